// A terminating urql exchange, in place of `fetchExchange` and `subscriptionExchange`: all operations go through the client.
// A mutation with `queue: true` in its context waits until it can be sent, also over a restart.
import { type Exchange, subscriptionExchange } from '@urql/core';
import type { Client } from './client.ts';
import type { Operation, Sink } from './types.ts';

export function millraceExchange(client: Client): Exchange {
  return subscriptionExchange({
    enableAllOperations: true,
    forwardSubscription: (request, { kind, context }) => ({
      subscribe: (sink) => {
        const { query = '', variables = {}, operationName, extensions } = request;
        const operation: Operation = {
          query,
          variables,
          ...(operationName && { operationName }),
          ...(extensions && { extensions: { ...extensions } }),
        };
        if (kind !== 'mutation' || !context.queue)
          return { unsubscribe: client.run(operation, sink as Sink) };
        client.mutate(operation, { queue: true }).then(
          (result) => {
            (sink as Sink).next(result);
            sink.complete();
          },
          (cause) => sink.error(cause),
        );
        // What was queued is sent, whether somebody still waits for it or not.
        return { unsubscribe: () => {} };
      },
    }),
  });
}
