// urql with a normalized cache, on the client of Millrace: queries, mutations, subscriptions and live queries take one way.
import { millraceExchange } from '@millrace/client/urql';
import { Client, type Exchange, makeOperation, type Operation } from '@urql/core';
import { type CacheExchangeOpts, cacheExchange } from '@urql/exchange-graphcache';
import { empty, fromArray, fromValue, mergeMap, pipe, type Source, tap } from 'wonka';
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
 * that touched what it shows, would have it opened a second time. One whose last answer has errors is opened anew when it is
 * asked for again: it may hear nothing before something changes.
 */
const openOnce: Exchange = ({ forward }) => {
  /** Whether the last answer of each has errors. */
  const open = new Map<number, boolean>();
  return (operations) =>
    pipe(
      operations,
      mergeMap((operation) => {
        const { kind, key, context } = operation;
        if (kind === 'teardown') open.delete(key);
        if (!isLive(operation)) return fromValue(operation);
        const hasFailed = open.get(key);
        if (hasFailed === false || (hasFailed && context.requestPolicy !== 'network-only'))
          return empty as Source<Operation>;
        open.set(key, false);
        if (!hasFailed) return fromValue(operation);
        return fromArray([makeOperation('teardown', operation, context), operation]);
      }),
      forward,
      tap(({ operation: { key }, error }) => {
        // It ended, so it may be opened again.
        if (error?.networkError) open.delete(key);
        else if (open.has(key)) open.set(key, error !== undefined);
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
