// The log as a list: pages backwards, and above them what the monitor hears. The monitor follows the log before the first page
// is read, so no event falls between the two, and positions say which is known already.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { EventLogFilter } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { tintMs } from '../../lib/list';
import type { LiveListState } from '../../lib/live-list';
import { millrace } from '../../lib/millrace';
import type { LoggedEvent } from './monitor';
import { useMonitor } from './monitor';

const EventPage = graphql(`
  query EventPage($last: Int!, $before: String, $filter: EventLogFilter) {
    eventLog(last: $last, before: $before, filter: $filter) {
      nodes { ...EventRow }
      pageInfo { hasPreviousPage startCursor }
      searchedTo
    }
  }
`);

export type EventListRow = LoggedEvent & { id: string };

const pageSize = 50;
/** Of an arriving flood only so many are tinted. */
const mostTinted = 20;

interface Pages {
  /** Newest first. */
  rows: readonly EventListRow[];
  /** Where the next page begins; null at the beginning of the log. */
  before: string | null;
  isLoading: boolean;
  error: Error | undefined;
}

const unread: Pages = { rows: [], before: null, isLoading: true, error: undefined };

export function useEventList(filter: EventLogFilter, isHeld: boolean): LiveListState<EventListRow> {
  const events = useMonitor((state) => state.events);
  const isFollowed = useMonitor((state) => state.isFollowed);
  const failure = useMonitor((state) => state.failure);
  const key = JSON.stringify(filter);
  const [pages, setPages] = useState<Pages>(unread);
  const [isScrolled, setScrolled] = useState(false);
  /** The newest position that is shown while the reader looks at something below, or holds the list. */
  const [heldAt, setHeldAt] = useState<number>();
  const [round, setRound] = useState(0);
  const reading = useRef<AbortController>(undefined);

  const read = useCallback(
    async (before: string | null) => {
      reading.current?.abort();
      const stopping = new AbortController();
      reading.current = stopping;
      const { signal } = stopping;
      setPages((now) => ({
        ...(before === null ? unread : now),
        isLoading: true,
        error: undefined,
      }));
      try {
        const { data } = await millrace.query(
          {
            query: EventPage,
            variables: { last: pageSize, filter: JSON.parse(key), ...(before && { before }) },
          },
          { signal },
        );
        const found = data.eventLog;
        if (signal.aborted || !found) return;
        const rows = found.nodes.map((event) => ({ ...event, id: event.eventId })).reverse();
        // A page looks through a part of the log only: it may be empty and yet not be the last.
        const next =
          found.searchedTo ?? (found.pageInfo.hasPreviousPage ? found.pageInfo.startCursor : null);
        setPages((now) => ({
          rows: before === null ? rows : [...now.rows, ...rows],
          before: next ?? null,
          isLoading: false,
          error: undefined,
        }));
      } catch (error) {
        if (!signal.aborted)
          setPages((now) => ({ ...now, isLoading: false, error: error as Error }));
      }
    },
    [key],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` begins anew
  useEffect(() => {
    if (!isFollowed) return;
    setHeldAt(undefined);
    read(null);
    return () => reading.current?.abort();
  }, [isFollowed, read, round]);

  const isRead = !pages.isLoading || pages.rows.length > 0;
  const newestRead = pages.rows[0]?.position ?? 0;
  const live = useMemo(() => {
    const wanted = JSON.parse(key) as EventLogFilter;
    if (!isRead) return [];
    return events
      .filter((event) => event.position > newestRead && matches(event, wanted))
      .map((event) => ({ ...event, id: event.eventId }))
      .reverse();
  }, [events, isRead, newestRead, key]);
  const isStill = isScrolled || isHeld;
  const newest = live[0]?.position ?? newestRead;
  useEffect(() => {
    if (!isStill) setHeldAt(undefined);
    else setHeldAt((now) => now ?? newest);
  }, [isStill, newest]);

  const [changed, setChanged] = useState<LiveListState<EventListRow>['changed']>(new Map());
  const tinted = useRef(0);
  useEffect(() => {
    if (tinted.current === 0 && newest > 0) tinted.current = newest;
    const fresh = live.filter(({ position }) => position > tinted.current).slice(0, mostTinted);
    if (fresh.length === 0) return;
    tinted.current = newest;
    setChanged(
      new Map(
        fresh.map(({ id, type, actor, occurredAt }) => [id, { type, actor, at: occurredAt }]),
      ),
    );
    const timer = setTimeout(() => setChanged(new Map()), tintMs);
    return () => clearTimeout(timer);
  }, [live, newest]);

  const { before, isLoading, error } = pages;
  const loadMore = useCallback(() => {
    if (before !== null && !isLoading && !error) read(before);
  }, [before, isLoading, error, read]);
  const shown = heldAt === undefined ? live : live.filter(({ position }) => position <= heldAt);
  return {
    rows: useMemo(() => [...shown, ...pages.rows], [shown, pages.rows]),
    total: undefined,
    hasMore: before !== null,
    isLoading: !isRead && !failure,
    isLoadingMore: isLoading && pages.rows.length > 0,
    error: error ?? (isFollowed ? undefined : failure),
    changed,
    arrived: live.length - shown.length,
    loadMore,
    restart: useCallback(() => setRound((count) => count + 1), []),
    scrolled: setScrolled,
    showArrived: useCallback(() => setHeldAt(newest), [newest]),
  };
}

/** What the gateway's filter says, of an event that is here already. */
export function matches(event: LoggedEvent, filter: EventLogFilter): boolean {
  const { stream, streamId, types, actor, from, before } = filter;
  return (
    (stream == null || event.stream === stream) &&
    (streamId == null || event.streamId === streamId) &&
    (types == null || types.includes(event.type)) &&
    (actor == null || actor === ('id' in event.actor ? event.actor.id : event.actor.name)) &&
    (from == null || Date.parse(event.occurredAt) >= Date.parse(from)) &&
    (before == null || Date.parse(event.occurredAt) < Date.parse(before))
  );
}
