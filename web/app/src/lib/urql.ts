// urql with a normalized cache, on the client of Millrace: queries, mutations, subscriptions and live queries take one way.
import { millraceExchange } from '@millrace/client/urql';
import { Client, type Exchange } from '@urql/core';
import { type CacheExchangeOpts, cacheExchange } from '@urql/exchange-graphcache';
import { filter, pipe, tap } from 'wonka';
import { millrace } from './millrace';
import { optimistic } from './optimistic';
import { possibleTypes } from './possible-types';

/** What is no object with an id of its own is kept inside of what it is read from. */
const keys: NonNullable<CacheExchangeOpts['keys']> = new Proxy(
  {},
  { get: () => (data: { id?: unknown }) => (typeof data.id === 'string' ? data.id : null) },
);

/**
 * A live query that is open already goes on. Without this, another component that mounts with the same query, or a mutation
 * that touched what it shows, would have it opened a second time.
 */
const openOnce: Exchange = ({ forward }) => {
  const open = new Set<number>();
  return (operations) =>
    pipe(
      operations,
      filter((operation) => {
        if (operation.kind === 'teardown') return open.delete(operation.key) || true;
        if (!isLive(operation)) return true;
        if (open.has(operation.key)) return false;
        open.add(operation.key);
        return true;
      }),
      forward,
      tap((result) => {
        // It ended, so it may be opened again.
        if (result.error?.networkError) open.delete(result.operation.key);
      }),
    );
};

function isLive({
  kind,
  query,
}: {
  kind: string;
  query: { definitions: readonly unknown[] };
}): boolean {
  const [first] = query.definitions as { directives?: readonly { name: { value: string } }[] }[];
  return (
    kind === 'query' && (first?.directives?.some(({ name }) => name.value === 'live') ?? false)
  );
}

export function createUrql(): Client {
  return new Client({
    url: '/graphql',
    exchanges: [
      cacheExchange({ keys, optimistic, possibleTypes }),
      openOnce,
      millraceExchange(millrace),
    ],
    requestPolicy: 'cache-and-network',
  });
}
