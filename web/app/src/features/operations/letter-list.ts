// The dead letters as a list, a page at a time, oldest first. They are no events, so nothing tells of each: when their number is another,
// as many as are shown are read again. One thing is read after the other, so neither a slow gateway nor a long list makes requests pile up.
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { DeadLetterFilter, LetterRowFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import type { OwnListState, Row } from '../../lib/list';
import type { Connection } from '../../lib/list-source';
import { millrace } from '../../lib/millrace';
import './documents';

const Letters = graphql(`
  query Letters($first: Int!, $after: String, $filter: DeadLetterFilter) {
    deadLetters(first: $first, after: $after, filter: $filter) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...LetterRow }
    }
  }
`);

/** The gateway gives no more at once. */
const pageSize = 100;

type Read<R> = (first: number, after: string | null, signal: AbortSignal) => Promise<Connection<R>>;

export class PagedList<R extends Row> {
  #state: OwnListState<R> = {
    rows: [],
    total: undefined,
    hasMore: false,
    isLoading: true,
    isLoadingMore: false,
    error: undefined,
    changed: new Map(),
    arrived: 0,
  };
  #endCursor: string | null = null;
  #stopping = new AbortController();
  #isStale = false;
  #last: Promise<void> = Promise.resolve();
  readonly #listeners = new Set<() => void>();
  readonly #read: Read<R>;

  constructor(read: Read<R>) {
    this.#read = read;
  }

  readonly get = () => this.#state;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): void {
    this.#stopping = new AbortController();
    this.#isStale = false;
    this.refresh();
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Reads again what is shown. */
  readonly refresh = () => {
    // One that has not begun yet will see what there is then.
    if (this.#isStale) return;
    this.#isStale = true;
    this.#next(async (signal) => {
      this.#isStale = false;
      const wanted = Math.max(this.#state.rows.length, 1);
      let [rows, after, page]: [R[], string | null, Connection<R> | undefined] = [
        [],
        null,
        undefined,
      ];
      do {
        page = await this.#read(pageSize, after, signal);
        rows = [...rows, ...page.nodes];
        after = page.pageInfo.endCursor ?? null;
      } while (page.pageInfo.hasNextPage && rows.length < wanted);
      this.#take(rows, page, signal);
    });
  };

  readonly loadMore = () => {
    if (this.#state.hasMore && !this.#state.isLoadingMore) this.#more();
  };

  #more(): void {
    this.#set({ isLoadingMore: true });
    this.#next(async (signal) => {
      const page = await this.#read(pageSize, this.#endCursor, signal);
      const known = new Set(this.#state.rows.map(({ id }) => id));
      const more = page.nodes.filter(({ id }) => !known.has(id));
      this.#take([...this.#state.rows, ...more], page, signal);
    });
  }

  #next(act: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#stopping;
    this.#last = this.#last.then(async () => {
      if (signal.aborted) return;
      try {
        await act(signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#set({ error: error as Error, isLoading: false, isLoadingMore: false });
      }
    });
  }

  #take(rows: readonly R[], { total, pageInfo }: Connection<R>, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#endCursor = pageInfo.endCursor ?? null;
    this.#set({
      rows,
      total,
      hasMore: pageInfo.hasNextPage,
      isLoading: false,
      isLoadingMore: false,
      error: undefined,
    });
  }

  #set(more: Partial<OwnListState<R>>): void {
    this.#state = { ...this.#state, ...more };
    for (const listener of this.#listeners) listener();
  }
}

/**
 * `counted` is how many the workers have: another number means that there is something else to see. Undefined while the list
 * is not to be read again.
 */
export function useLetterList(filter: DeadLetterFilter, counted: number | undefined) {
  const key = JSON.stringify(filter);
  const list = useMemo(
    () => new PagedList<LetterRowFragment>(readPages(JSON.parse(key) as DeadLetterFilter)),
    [key],
  );
  useEffect(() => {
    list.start();
    return () => list.stop();
  }, [list]);
  const before = useRef(counted);
  useEffect(() => {
    if (counted === undefined) return;
    if (counted !== before.current) list.refresh();
    before.current = counted;
  }, [list, counted]);
  const state = useSyncExternalStore(list.subscribe, list.get);
  return useMemo(
    () => ({
      ...state,
      loadMore: list.loadMore,
      restart: list.refresh,
      refresh: list.refresh,
      scrolled: () => {},
      showArrived: () => {},
    }),
    [state, list],
  );
}

function readPages(filter: DeadLetterFilter): Read<LetterRowFragment> {
  return async (first, after, signal) => {
    const variables = { filter, first, ...(after && { after }) };
    const { data } = await millrace.query({ query: Letters, variables }, { signal });
    if (!data.deadLetters) throw new Error('There was no answer');
    const { nodes, totalCount, pageInfo } = data.deadLetters;
    return { nodes, total: totalCount ?? undefined, pageInfo };
  };
}
