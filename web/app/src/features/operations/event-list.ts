// The log as a list: pages backwards, and above them what the monitor hears. The monitor follows the log before the first page is
// read, so no event falls between the two. Which part of the log is shown is for EventWindow to say.
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import type { EventLogFilter } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { type OwnListState, tintMs } from '../../lib/list';
import type { LiveListState } from '../../lib/live-list';
import { millrace } from '../../lib/millrace';
import { type EventListRow, type EventPart, EventWindow } from './event-window';
import { type LoggedEvent, monitor, useMonitor } from './monitor';

export type { EventListRow } from './event-window';

const EventPage = graphql(`
  query EventPage($last: Int!, $before: String, $filter: EventLogFilter) {
    eventLog(last: $last, before: $before, filter: $filter) {
      nodes { ...EventRow }
      pageInfo { hasPreviousPage startCursor }
      searchedTo
    }
  }
`);

const pageSize = 50;
/** Of an arriving flood only so many are tinted. */
const mostTinted = 20;

/** Reads what is before a cursor, or the newest. */
type Read = (before: string | null, signal: AbortSignal) => Promise<EventPart>;

export class EventList {
  #state: OwnListState<EventListRow> = {
    rows: [],
    total: undefined,
    hasMore: false,
    isLoading: true,
    isLoadingMore: false,
    error: undefined,
    changed: new Map(),
    arrived: 0,
  };
  #window: EventWindow | undefined;
  #events: readonly LoggedEvent[] = [];
  #isHeld = false;
  #isScrolled = false;
  #reading: AbortController | undefined;
  #tinting: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #read: Read;
  readonly #matches: (event: LoggedEvent) => boolean;

  constructor(read: Read, matches: (event: LoggedEvent) => boolean) {
    this.#read = read;
    this.#matches = matches;
  }

  readonly get = () => this.#state;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Begins with the monitor's events of now. What is shown stays until the first page is here. */
  start(events: readonly LoggedEvent[]): void {
    this.#events = events;
    this.#window = new EventWindow(events, this.#matches, this.#isStill);
    this.#ask(null);
  }

  stop(): void {
    this.#reading?.abort();
    clearTimeout(this.#tinting);
    this.#window = undefined;
  }

  take(events: readonly LoggedEvent[]): void {
    this.#events = events;
    const fresh = this.#window?.take(events) ?? [];
    if (fresh.length > 0) this.#tint(fresh.slice(0, mostTinted));
    this.#show();
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#stand();
  }

  readonly scrolled = (isScrolled: boolean) => {
    if (this.#isScrolled === isScrolled) return;
    this.#isScrolled = isScrolled;
    this.#stand();
  };

  readonly showArrived = () => {
    this.#window?.show();
    this.#show();
  };

  readonly loadMore = () => {
    if (!this.#window || this.#state.isLoadingMore) return;
    // The first page failed, and what is shown is from before.
    if (!this.#window.isRead) return void this.#ask(null);
    const { before } = this.#window.shown;
    if (before !== null) this.#ask(before);
  };

  readonly restart = () => this.start(this.#events);

  get #isStill(): boolean {
    return this.#isHeld || this.#isScrolled;
  }

  #stand(): void {
    this.#window?.stand(this.#isStill);
    this.#show();
  }

  async #ask(before: string | null): Promise<void> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#set({ isLoadingMore: true, error: undefined });
    try {
      const page = await this.#read(before, reading.signal);
      if (reading.signal.aborted) return;
      this.#window?.read(before, page);
      this.#set({ isLoading: false, isLoadingMore: false });
      this.#show();
    } catch (error) {
      if (reading.signal.aborted) return;
      this.#set({ error: error as Error, isLoading: false, isLoadingMore: false });
    }
  }

  #tint(fresh: readonly EventListRow[]): void {
    clearTimeout(this.#tinting);
    const changed = new Map(
      fresh.map(({ id, type, actor, occurredAt }) => [id, { type, actor, at: occurredAt }]),
    );
    this.#state = { ...this.#state, changed };
    this.#tinting = setTimeout(() => this.#set({ changed: new Map() }), tintMs);
  }

  #show(): void {
    const shown = this.#window;
    if (!shown?.isRead) return;
    const { rows, before } = shown.shown;
    this.#set({ rows, hasMore: before !== null, arrived: shown.arrived });
  }

  #set(more: Partial<OwnListState<EventListRow>>): void {
    this.#state = { ...this.#state, ...more };
    for (const listener of this.#listeners) listener();
  }
}

export function useEventList(filter: EventLogFilter, isHeld: boolean): LiveListState<EventListRow> {
  const events = useMonitor((state) => state.events);
  const isFollowed = useMonitor((state) => state.isFollowed);
  const failure = useMonitor((state) => state.failure);
  const key = JSON.stringify(filter);
  const list = useMemo(() => {
    const wanted = JSON.parse(key) as EventLogFilter;
    return new EventList(readPages(wanted), (event) => matches(event, wanted));
  }, [key]);
  useEffect(() => {
    if (!isFollowed) return;
    list.start(monitor.get().events);
    return () => list.stop();
  }, [list, isFollowed]);
  useEffect(() => list.take(events), [list, events]);
  useEffect(() => list.hold(isHeld), [list, isHeld]);
  const state = useSyncExternalStore(list.subscribe, list.get);
  return useMemo(
    () => ({
      ...state,
      isLoading: state.isLoading && !failure,
      error: state.error ?? (isFollowed ? undefined : failure),
      loadMore: list.loadMore,
      restart: list.restart,
      scrolled: list.scrolled,
      showArrived: list.showArrived,
    }),
    [state, failure, isFollowed, list],
  );
}

function readPages(filter: EventLogFilter): Read {
  return async (before, signal) => {
    const { data } = await millrace.query(
      { query: EventPage, variables: { last: pageSize, filter, ...(before && { before }) } },
      { signal },
    );
    const found = data.eventLog;
    if (!found) throw new Error('There was no answer');
    // A page looks through a part of the log only: it may be empty and yet not be the last.
    const next =
      found.searchedTo ?? (found.pageInfo.hasPreviousPage ? found.pageInfo.startCursor : null);
    return {
      rows: found.nodes.map((event) => ({ ...event, id: event.eventId })).reverse(),
      before: next ?? null,
    };
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
