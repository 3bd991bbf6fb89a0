// One event: who, when, what changed, its data, and what else the same request did.
import { ActionIcon, CopyButton, Stack, Text, Tooltip } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Check, Copy, FileQuestion } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { EmptyState } from '../../components/empty-state';
import { Failed } from '../../components/failed';
import { Lines, Pane } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { UserName } from '../../components/user-name';
import { graphql } from '../../lib/graphql';
import { millrace } from '../../lib/millrace';
import { changesOf } from './changes';
import { Section } from './frame';
import { type LoggedEvent, monitor, useMonitor } from './monitor';
import classes from './operations.module.css';

const StreamEvents = graphql(`
  query StreamEvents($streamId: ID!, $last: Int!, $before: String) {
    eventLog(last: $last, before: $before, filter: { streamId: $streamId }) {
      nodes { ...EventRow }
      pageInfo { hasPreviousPage startCursor }
      searchedTo
    }
  }
`);
const EventsAround = graphql(`
  query EventsAround($filter: EventLogFilter!) {
    eventLog(first: 100, filter: $filter) { nodes { ...EventRow } }
  }
`);

const route = getRouteApi('/operations/log/$stream/$version');
/** Enough of what came before to know the state of what the event is about. */
const before = 50;
const pageSize = 100;
/** Of a stream so many events are looked through for one that only its address names. */
const mostPages = 50;
/** A request takes 30 s at most, and what it causes follows soon. */
const aroundMs = 30_000;

const places: Record<string, string> = {
  customer: '/customers/$id',
  user: '/users/$id',
  student: '/students/$id',
  post: '/posts/$id',
  chat: '/chats/$id',
  signal: '/signals/$id',
};

interface Found {
  event: LoggedEvent | null;
  /** Of the same stream, oldest first. */
  earlier: readonly LoggedEvent[];
}

export function EventDetail() {
  const { stream, version } = route.useParams();
  const [found, setFound] = useState<Found>();
  const [error, setError] = useState<Error>();
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` tries again
  useEffect(() => {
    const stopping = new AbortController();
    const here = monitor
      .get()
      .events.find((event) => event.streamId === stream && event.version === Number(version));
    setFound(here && { event: here, earlier: [] });
    setError(undefined);
    find(stream, Number(version), here, stopping.signal).then(
      (result) => !stopping.signal.aborted && setFound(result),
      (cause) => !stopping.signal.aborted && setError(cause as Error),
    );
    return () => stopping.abort();
  }, [stream, version, round]);
  const event = found?.event;
  return (
    <Pane title={event?.type ?? 'Event'} to="/operations/log">
      {error && !found && <Failed error={error} retry={() => setRound(round + 1)} />}
      {!found && !error && <Lines />}
      {found && !event && (
        <EmptyState icon={FileQuestion} title="There is no such event">
          It may have been pruned from the log.
        </EmptyState>
      )}
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

async function find(
  streamId: string,
  version: number,
  known: LoggedEvent | undefined,
  signal: AbortSignal,
): Promise<Found> {
  const page = async (last: number, before: string | null | undefined) => {
    const variables = { streamId, last, ...(before && { before }) };
    const { data } = await millrace.query({ query: StreamEvents, variables }, { signal });
    return data.eventLog;
  };
  let event = known;
  let cursor: string | null | undefined = event?.cursor;
  for (let read = 0; !event && read < mostPages; read += 1) {
    const found = await page(pageSize, cursor);
    event = found?.nodes.find((node) => node.version === version);
    const first = found?.nodes[0];
    cursor =
      found?.searchedTo ?? (found?.pageInfo.hasPreviousPage ? found.pageInfo.startCursor : null);
    // Versions become smaller, so it will not come any more.
    if (!cursor || (first && first.version <= version)) break;
  }
  if (!event) return { event: null, earlier: [] };
  const earlier = event.version > 1 ? await page(before, event.cursor) : undefined;
  return { event, earlier: earlier?.nodes ?? [] };
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
  const { correlationId, causationId, occurredAt, eventId } = event;
  const newest = useMonitor((state) => state.events);
  const [around, setAround] = useState<readonly LoggedEvent[]>([]);
  useEffect(() => {
    const stopping = new AbortController();
    const at = Date.parse(occurredAt);
    const filter = {
      from: new Date(at - aroundMs).toISOString(),
      before: new Date(at + aroundMs).toISOString(),
    };
    millrace
      .query({ query: EventsAround, variables: { filter } }, { signal: stopping.signal })
      .then(
        ({ data }) => setAround(data.eventLog?.nodes ?? []),
        () => {},
      );
    return () => stopping.abort();
  }, [occurredAt]);
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
