// The history of a record, live at its newest end; older events are read when they are asked for, and never change.
import { Title } from '@mantine/core';
import { graphql } from '../../lib/graphql';
import { Timeline } from '../timeline';
import type { Fields } from './fields';
import { entriesOf, type RecordEvent } from './history';
import { type EventsPart, useOlderEvents } from './older-events';

export const RecordHistoryPart = graphql(`
  fragment RecordHistory on EventConnection {
    edges { cursor node { version type occurredAt data actor { name ... on User { id } } } }
  }
`);

export type HistoryPart = EventsPart<RecordEvent>;

interface Props {
  /** The record's name in the data of its events. */
  name: string;
  fields: Fields;
  verbs: Record<string, string>;
  newest: HistoryPart;
  /** Reads what was before a cursor. */
  older: (before: string) => Promise<HistoryPart | null | undefined>;
}

/** Give it the id of the record as its key. */
export function RecordHistory({ name, fields, verbs, newest, older }: Props) {
  const { events, hasMore, loadMore } = useOlderEvents(newest, older);
  // The oldest is only there for the others to be compared with.
  const entries = entriesOf(events, name, fields, verbs).slice(0, hasMore ? -1 : undefined);
  return (
    <section>
      <Title order={2} size="h3" mb="sm">
        History
      </Title>
      <Timeline entries={entries} hasMore={hasMore} loadMore={loadMore} />
    </section>
  );
}
