// A terminating urql exchange, in place of `fetchExchange` and `subscriptionExchange`: all operations go through the client.
import { type Exchange, subscriptionExchange } from '@urql/core';
import type { Client } from './client.ts';
import type { Operation, Sink } from './types.ts';

export function millraceExchange(client: Client): Exchange {
  return subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: (request) => ({
      subscribe: (sink) => {
        const { query = '', variables = {}, operationName, extensions } = request;
        const operation: Operation = {
          query,
          variables,
          ...(operationName && { operationName }),
          ...(extensions && { extensions: { ...extensions } }),
        };
        return { unsubscribe: client.run(operation, sink as Sink) };
      },
    }),
  });
}
