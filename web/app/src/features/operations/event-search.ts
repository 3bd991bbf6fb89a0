// One event by its stream and version, which the log is looked through for, and what was recorded around it.
import { graphql } from '../../lib/graphql';
import { millrace } from '../../lib/millrace';
import type { LoggedEvent } from './monitor';

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
  query EventsAround($count: Int!, $cursor: String!) {
    earlier: eventLog(last: $count, before: $cursor) { nodes { ...EventRow } }
    later: eventLog(first: $count, after: $cursor) { nodes { ...EventRow } }
  }
`);

/** Enough of what came before to know the state of what the event is about. */
const before = 50;
const pageSize = 100;
/** So many pages are looked through before somebody is asked whether to go on. */
const mostPages = 50;
/** What a request has caused is recorded close by, on each side. */
const around = 50;

export interface Found {
  event: LoggedEvent | null;
  /** Of the same stream, oldest first. */
  earlier: readonly LoggedEvent[];
  /** Where the search stopped; undefined when there is nothing more to look through. */
  lookedTo?: string | undefined;
}

/** Looks backwards, from the end or from a cursor. */
export async function find(
  {
    streamId,
    version,
    known,
    from,
  }: {
    streamId: string;
    version: number;
    known?: LoggedEvent | undefined;
    from?: string | undefined;
  },
  signal: AbortSignal,
): Promise<Found> {
  const page = async (last: number, before: string | undefined) => {
    const variables = { streamId, last, ...(before && { before }) };
    const { data } = await millrace.query({ query: StreamEvents, variables }, { signal });
    return data.eventLog;
  };
  let event = known;
  let cursor = from;
  for (let read = 0; !event; read += 1) {
    if (read === mostPages) return { event: null, earlier: [], lookedTo: cursor };
    const found = await page(pageSize, cursor);
    event = found?.nodes.find((node) => node.version === version);
    const first = found?.nodes[0];
    const start = found?.pageInfo.hasPreviousPage ? found.pageInfo.startCursor : undefined;
    cursor = found?.searchedTo ?? start ?? undefined;
    // Versions become smaller, so it will not come any more.
    if (!cursor || (first && first.version <= version)) break;
  }
  if (!event) return { event: null, earlier: [] };
  const earlier = event.version > 1 ? await page(before, event.cursor) : undefined;
  return { event, earlier: earlier?.nodes ?? [] };
}

/** The events that were recorded around the one with this cursor, in their order. */
export async function neighbours(cursor: string, signal: AbortSignal): Promise<LoggedEvent[]> {
  const variables = { count: around, cursor };
  const { data } = await millrace.query({ query: EventsAround, variables }, { signal });
  return [...(data.earlier?.nodes ?? []), ...(data.later?.nodes ?? [])];
}
