// What all pages of operations read, by the monitor.
import { graphql } from '../../lib/graphql';

export const EventRow = graphql(`
  fragment EventRow on LoggedEvent {
    cursor
    position
    eventId
    stream
    streamId
    version
    type
    schemaVersion
    actor { name ... on User { id } }
    correlationId
    causationId
    occurredAt
    data
    isWithheld
  }
`);

export const Status = graphql(`
  fragment Status on WorkerStatus {
    followers {
      name
      position
      deadLetters
      lag { events seconds isEstimate }
      pause { pausedAt pausedBy { name ... on User { id } } }
      members { owner seenAt }
      parts { part position token owner leasedUntil }
    }
    handlers {
      name
      waiting
      retrying
      running
      doneLastMinute
      deadLetters
      concurrency
      dependency
      lag { events seconds isEstimate }
      pause { pausedAt pausedBy { name ... on User { id } } }
    }
    breakers { dependency owner state since failures error seenAt }
  }
`);

export const LatestEvents = graphql(`
  query LatestEvents($last: Int!) { eventLog(last: $last) { nodes { ...EventRow } } }
`);

export const NewEvents = graphql(`
  subscription NewEvents($after: String) { eventLog(after: $after) { ...EventRow } }
`);

export const StatusChanges = graphql(`
  subscription StatusChanges { workerStatus { ...Status } }
`);

export const WhatIsWell = graphql(`
  query WhatIsWell {
    health {
      isHealthy
      version
      database { isUp tookMs }
      redis { isUp tookMs }
      logPosition
      position
      relayedPosition
      secondsBehind
    }
    readModels {
      name
      rebuild {
        phase
        isRunning
        eventsApplied
        eventsTotal
        startedAt
        finishedAt
        differences { table onlyOld onlyNew changed examples }
      }
    }
  }
`);

export const LetterRow = graphql(`
  fragment LetterRow on DeadLetter {
    id
    consumer
    consumerKind
    position
    streamId
    version
    type
    errors
    fingerprint
    attempts
    lastTriedAt
    isParked
  }
`);
