// One event: who, when, what changed, its data, and what else the same request did.
import { ActionIcon, Button, CopyButton, Stack, Text, Tooltip } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Check, Copy, FileQuestion } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { EmptyState } from '../../components/empty-state';
import { Failed } from '../../components/failed';
import { Lines, Pane } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { UserName } from '../../components/user-name';
import { changesOf } from './changes';
import { type Found, find, neighbours } from './event-search';
import { Section } from './frame';
import { type LoggedEvent, monitor, useMonitor } from './monitor';
import classes from './operations.module.css';

const route = getRouteApi('/operations/log/$stream/$version');

const places: Record<string, string> = {
  customer: '/customers/$id',
  user: '/users/$id',
  student: '/students/$id',
  post: '/posts/$id',
  chat: '/chats/$id',
  signal: '/signals/$id',
};

export function EventDetail() {
  const { stream, version } = route.useParams();
  const [found, setFound] = useState<Found>();
  const [error, setError] = useState<Error>();
  const address = `${stream}/${version}`;
  /** Where to look on, of which event; without one from the end. */
  const [round, setRound] = useState<{ address: string; from?: string }>({ address });
  useEffect(() => {
    const stopping = new AbortController();
    const here = monitor
      .get()
      .events.find((event) => event.streamId === stream && event.version === Number(version));
    setFound(here && { event: here, earlier: [] });
    setError(undefined);
    const from = round.address === address ? round.from : undefined;
    find({ streamId: stream, version: Number(version), known: here, from }, stopping.signal).then(
      (result) => !stopping.signal.aborted && setFound(result),
      (cause) => !stopping.signal.aborted && setError(cause as Error),
    );
    return () => stopping.abort();
  }, [stream, version, address, round]);
  const event = found?.event;
  return (
    <Pane title={event?.type ?? 'Event'} to="/operations/log">
      {error && !found && <Failed error={error} retry={() => setRound({ ...round })} />}
      {!found && !error && <Lines />}
      {found && !event && <Missing {...found} goOn={(from) => setRound({ address, from })} />}
      {event && (
        <Stack gap="lg">
          <Facts event={event} />
          <Changes event={event} earlier={found.earlier} />
          <Section title="Data" actions={<CopyText text={JSON.stringify(event.data, null, 2)} />}>
            {event.isWithheld ? (
              <Text size="sm" c="dimmed">
                What is written in chats is shown to their members only.
              </Text>
            ) : (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by the keyboard
              <pre className={classes.json} tabIndex={0}>
                {JSON.stringify(event.data, null, 2)}
              </pre>
            )}
          </Section>
          <Trace event={event} />
        </Stack>
      )}
    </Pane>
  );
}

function Missing({ lookedTo, goOn }: Found & { goOn: (from: string) => void }) {
  if (!lookedTo)
    return (
      <EmptyState icon={FileQuestion} title="There is no such event">
        It was pruned from the log, or never was in it.
      </EmptyState>
    );
  return (
    <EmptyState
      icon={FileQuestion}
      title="The event was not found yet"
      action={
        <Button variant="default" onClick={() => goOn(lookedTo)}>
          Look further back
        </Button>
      }
    >
      It is older than the events of its stream that were looked through.
    </EmptyState>
  );
}

function Facts({ event }: { event: LoggedEvent }) {
  const place = places[event.stream];
  const fact = (name: string, value: ReactNode) => (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
  return (
    <dl className={classes.facts}>
      {fact('Who', <UserName person={event.actor} isLink size={20} />)}
      {fact(
        'When',
        <>
          {new Date(event.occurredAt).toLocaleString()} (<RelativeTime at={event.occurredAt} />)
        </>,
      )}
      {fact(
        'About',
        <>
          {place ? (
            <Link to={place} params={{ id: event.streamId } as never} className={classes.mono}>
              {event.streamId}
            </Link>
          ) : (
            <span className={classes.mono}>{event.streamId}</span>
          )}
          , version {event.version}
          <br />
          <Link to="/operations/log" search={{ stream: event.streamId } as never}>
            All its events
          </Link>
        </>,
      )}
      {fact('Position', event.position.toLocaleString('en'))}
      {fact(
        'Cursor',
        <>
          <span className={classes.mono}>{event.cursor}</span> <CopyText text={event.cursor} />
        </>,
      )}
      {fact('Schema', `version ${event.schemaVersion} of its data`)}
    </dl>
  );
}

function Changes({ event, earlier }: { event: LoggedEvent; earlier: readonly LoggedEvent[] }) {
  const changes = useMemo(
    () =>
      changesOf(
        event.data,
        earlier.map(({ data }) => data),
      ),
    [event, earlier],
  );
  if (!changes) return null;
  return (
    <Section title="What changed">
      {changes.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing that the events before it had said.
        </Text>
      ) : (
        <dl className={`${classes.facts} ${classes.difference}`}>
          {changes.map(({ field, before, after }) => (
            <FieldDifference key={field} field={field} before={before} after={after} />
          ))}
        </dl>
      )}
    </Section>
  );
}

function FieldDifference(props: { field: string; before: unknown; after: unknown }) {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return (
    <>
      <dt>{props.field}</dt>
      <dd>
        <del>{text(props.before)}</del> <span aria-hidden>→</span> <ins>{text(props.after)}</ins>
      </dd>
    </>
  );
}

/** The request, what caused the event, and the other events of both. */
function Trace({ event }: { event: LoggedEvent }) {
  const { correlationId, causationId, cursor, eventId } = event;
  const newest = useMonitor((state) => state.events);
  const [around, setAround] = useState<readonly LoggedEvent[]>([]);
  useEffect(() => {
    const stopping = new AbortController();
    neighbours(cursor, stopping.signal).then(
      (found) => !stopping.signal.aborted && setAround(found),
      () => {},
    );
    return () => stopping.abort();
  }, [cursor]);
  const related = useMemo(() => {
    const all = new Map([...around, ...newest].map((each) => [each.eventId, each]));
    all.delete(eventId);
    return [...all.values()]
      .filter(
        (each) =>
          (correlationId && each.correlationId === correlationId) ||
          each.eventId === causationId ||
          each.causationId === eventId,
      )
      .toSorted((a, b) => a.position - b.position);
  }, [around, newest, correlationId, causationId, eventId]);
  return (
    <Section title="Trace">
      <dl className={classes.facts}>
        <dt>Request</dt>
        <dd>
          {correlationId ? (
            <>
              <span className={classes.mono}>{correlationId}</span>{' '}
              <CopyText text={correlationId} />
              <Text size="xs" c="dimmed">
                Lines of the log have it as request_id.
              </Text>
            </>
          ) : (
            'none caused it'
          )}
        </dd>
        {causationId && (
          <>
            <dt>Caused by</dt>
            <dd className={classes.mono}>{causationId}</dd>
          </>
        )}
      </dl>
      {related.length > 0 && (
        <ul className={classes.related} aria-label="Related events">
          {related.map((each) => (
            <li key={each.eventId}>
              <Link
                to="/operations/log/$stream/$version"
                params={{ stream: each.streamId, version: String(each.version) }}
                search
              >
                {each.type}
              </Link>{' '}
              <span className="quiet">{relation(each, event)}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function relation(other: LoggedEvent, event: LoggedEvent): string {
  if (other.eventId === event.causationId) return 'caused this one';
  if (other.causationId === event.eventId) return 'was caused by it';
  return 'came of the same request';
}

function CopyText({ text }: { text: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : 'Copy'}>
          <ActionIcon size="sm" onClick={copy} aria-label={copied ? 'Copied' : 'Copy'}>
            {copied ? <Check size={14} /> : <Copy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
