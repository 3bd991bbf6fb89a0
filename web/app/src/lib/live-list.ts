// `useLiveList`: a LiveList on urql. Pages stay open in the cache, so a mutation shows in the list at once. Changes, and what is
// asked because of them, go past it: it would keep each of them, and each set of ids, as long as the page is open.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { type FormattedError, MillraceError } from '@millrace/client';
import { useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import { pipe, subscribe } from 'wonka';
import { asFailure } from './errors';
import { type Change, LiveList, type Row } from './list';
import type { Connection, Page } from './list-source';
import { millrace } from './millrace';
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
  /** What changed, or the id of what is gone. */
  change(data: ChangeData): ({ row: R } & Change) | { gone: string };
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
        const take = (data: PageData | null | undefined, cursor: unknown, error?: Error) =>
          answer(data && connection(data), cursor as string | undefined, error, sink);
        // What is asked once is not shown from the cache.
        if (ids !== undefined || first === 1) {
          const aborting = new AbortController();
          millrace.execute({ query: page, variables: { ...variables } }, aborting).then(
            ({ data, errors, extensions }) => {
              if (aborting.signal.aborted) return;
              take(data as PageData, extensions?.cursor, errors && refused(errors));
            },
            (cause) => aborting.signal.aborted || sink.failed(cause),
          );
          return () => aborting.abort();
        }
        const { unsubscribe } = pipe(
          urql.query(page, variables, { requestPolicy: 'cache-and-network' }),
          subscribe(({ data, error, extensions, stale }) =>
            take(data, stale ? undefined : extensions?.cursor, error && asFailure(error)),
          ),
        );
        return unsubscribe;
      },
      follow: (after, sink) =>
        millrace.run(
          { query: changes, variables: { after } },
          {
            next: ({ data }) => {
              // An error in place of the change does not say what it was about.
              if (!data) return sink.unclear();
              const told = change(data);
              if ('gone' in told) return sink.gone(told.gone);
              sink.change(told.row, { type: told.type, actor: told.actor, at: told.at });
            },
            error: (failure) => {
              if (failure.code.startsWith('CURSOR_')) sink.gap();
              // What the page shows stays; the frame says what is wrong with the session.
              else if (failure.code !== 'UNAUTHENTICATED') sink.failed(failure);
            },
            complete: () => sink.failed(new MillraceError('UNAVAILABLE', 'The changes ended')),
          },
        ),
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

const refused = (errors: readonly FormattedError[]) => MillraceError.of(errors);

/** A list that is not there is a failure, whether the answer is empty or has the list as null beside its errors. */
export function answer<R extends Row>(
  found: Connection<R> | null | undefined,
  cursor: string | undefined,
  error: Error | undefined,
  sink: Parameters<Page<R>>[1],
): void {
  if (found) sink.next(found, cursor);
  else if (error) sink.failed(error);
  // The cache has nothing yet; the gateway has answered without a list.
  else if (cursor !== undefined) sink.failed(new MillraceError('INTERNAL', 'There is no list'));
}

type Whole<R extends Row> = ReturnType<typeof useLiveList<R, unknown, unknown>>;
type Optional = 'isStale' | 'isFollowed' | 'loadAll';

/** What a table shows. A list of another make need not be able to stand still, nor to be read as a whole. */
export type LiveListState<R extends Row> = Omit<Whole<R>, Optional> &
  Partial<Pick<Whole<R>, Optional>>;
