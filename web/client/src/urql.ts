// A terminating urql exchange, in place of `fetchExchange` and `subscriptionExchange`: all operations go through the client, with
// the options in their context. Headers are taken from where urql has them, too.
import { type Exchange, subscriptionExchange } from '@urql/core';
import { optionsOf } from './adapters.ts';
import type { Client } from './client.ts';
import type { Operation, Sink } from './types.ts';

export function millraceExchange(client: Client): Exchange {
  return subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: (request, { context }) => ({
      subscribe: (sink) => {
        const { query = '', variables = {}, operationName, extensions } = request;
        const operation: Operation = {
          query,
          variables,
          ...(operationName && { operationName }),
          ...(extensions && { extensions: { ...extensions } }),
        };
        const { fetchOptions } = context;
        const own = typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions;
        const options = optionsOf({ headers: own?.headers, ...context });
        return { unsubscribe: client.run(operation, sink as Sink, options) };
      },
    }),
  });
}
