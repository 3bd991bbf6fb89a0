// urql with a normalized cache, on the client of Millrace: queries, mutations, subscriptions and live queries take one way.
import { millraceExchange } from '@millrace/client/urql';
import { Client } from '@urql/core';
import { type CacheExchangeOpts, cacheExchange } from '@urql/exchange-graphcache';
import { millrace } from './millrace';
import { optimistic } from './optimistic';
import { possibleTypes } from './possible-types';

/** What is no object with an id of its own is kept inside of what it is read from. */
const keys: NonNullable<CacheExchangeOpts['keys']> = new Proxy(
  {},
  { get: () => (data: { id?: unknown }) => (typeof data.id === 'string' ? data.id : null) },
);

export function createUrql(): Client {
  return new Client({
    url: '/graphql',
    exchanges: [cacheExchange({ keys, optimistic, possibleTypes }), millraceExchange(millrace)],
    requestPolicy: 'cache-and-network',
  });
}
