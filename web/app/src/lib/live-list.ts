// `useLiveList`: a LiveList on urql. Pages stay open in the cache, so a mutation shows in the list at once.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import { pipe, subscribe } from 'wonka';
import { asFailure } from './errors';
import { type Change, LiveList, type Row } from './list';
import type { Connection } from './list-source';
import { useSession } from './session';

interface Window {
  first: number;
  after?: string | null | undefined;
  filter?: unknown;
  sort?: unknown;
}

export interface ListOptions<R extends Row, PageData, ChangeData> {
  /** A query with `$first`, `$after`, `$filter` and `$sort`. */
  // biome-ignore lint/suspicious/noExplicitAny: each list has filters and orders of its own
  page: TypedDocumentNode<PageData, any>;
  connection(data: PageData): Connection<R> | null | undefined;
  /** A subscription with `$after`. */
  // biome-ignore lint/suspicious/noExplicitAny: a subscription may have more variables
  changes: TypedDocumentNode<ChangeData, any>;
  /** Null when something may have gone from the list, and it was not told what. */
  change(data: ChangeData): ({ row: R } & Change) | null;
  filter?: object | undefined;
  sort?: object | undefined;
  /** The order in which the gateway sorts. */
  compare(a: R, b: R): number;
  /** Whether a row can be in the list, as far as the row says: what is deleted here leaves at once. */
  has?: (row: R) => boolean;
  /** The most rows that are read at once, where a row costs so much that 100 are refused. */
  most?: number;
}

export function useLiveList<R extends Row, PageData, ChangeData>(
  options: ListOptions<R, PageData, ChangeData>,
) {
  const urql = useClient();
  const { me } = useSession();
  const self = useRef<string>(undefined);
  self.current = me?.id;
  const { filter, sort } = options;
  const key = JSON.stringify([filter, sort]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the filter and the order, which are other objects each time
  const list = useMemo(() => {
    const { page, connection, changes, change, compare, has, most } = options;
    return new LiveList<R>({
      compare,
      has,
      most,
      self: () => self.current,
      page: ({ first, after, ids }, sink) => {
        const narrowed = ids ? { and: [...(filter ? [filter] : []), { id: { in: ids } }] } : filter;
        const variables: Window = {
          first,
          after,
          ...(narrowed && { filter: narrowed }),
          ...(sort && { sort }),
        };
        const isOnce = ids !== undefined || first === 1;
        const { unsubscribe } = pipe(
          urql.query(page, variables, {
            requestPolicy: isOnce ? 'network-only' : 'cache-and-network',
          }),
          subscribe(({ data, error, extensions, stale }) => {
            if (error && !data) return sink.failed(asFailure(error));
            const found = data && connection(data);
            const cursor = stale ? undefined : (extensions?.cursor as string | undefined);
            if (found) sink.next(found, cursor);
          }),
        );
        return unsubscribe;
      },
      follow: (after, sink) => {
        const { unsubscribe } = pipe(
          urql.subscription(changes, { after }),
          subscribe(({ data, error }) => {
            if (error) {
              const failure = asFailure(error);
              if (failure.code.startsWith('CURSOR_')) sink.gap();
              // What the page shows stays; the frame says what is wrong with the line.
              else if (failure.code !== 'UNAUTHENTICATED') sink.failed(failure);
            } else if (data) {
              const told = change(data);
              if (told) sink.change(told.row, { type: told.type, actor: told.actor, at: told.at });
              else sink.unclear();
            }
          }),
        );
        return unsubscribe;
      },
    });
  }, [urql, key]);
  useEffect(() => {
    list.start();
    return () => list.stop();
  }, [list]);
  const state = useSyncExternalStore(list.subscribe, list.get);
  // With another filter or order the last rows are shown until the first page is here.
  const last = useRef(state);
  if (!state.isLoading) last.current = state;
  const isStale = state.isLoading && last.current.rows.length > 0;
  const shown = isStale ? last.current : state;
  return useMemo(
    () => ({
      ...shown,
      isStale,
      hasMore: shown.hasMore && !isStale,
      loadMore: list.loadMore,
      loadAll: list.loadAll,
      restart: list.restart,
      scrolled: list.scrolled,
      showArrived: list.showArrived,
    }),
    [shown, isStale, list],
  );
}

type Whole<R extends Row> = ReturnType<typeof useLiveList<R, unknown, unknown>>;
type Optional = 'isStale' | 'loadAll';

/** What a table shows. A list of another make need not be able to stand still, nor to be read as a whole. */
export type LiveListState<R extends Row> = Omit<Whole<R>, Optional> &
  Partial<Pick<Whole<R>, Optional>>;
