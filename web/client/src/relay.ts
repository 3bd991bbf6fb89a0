// A Relay network: queries, mutations, subscriptions and live queries go through the client.
import {
  type INetwork,
  Network,
  Observable,
  type RequestParameters,
  type Variables,
} from 'relay-runtime';
import type { Client } from './client.ts';
import type { Sink } from './types.ts';

/** `documentOf` gives the text of persisted operations, which have only an id in the artifacts. */
export function millraceNetwork(
  client: Client,
  documentOf?: (id: string) => string | undefined,
): INetwork {
  const run = (request: RequestParameters, variables: Variables) =>
    Observable.create<never>((sink) => {
      const query = request.text ?? (request.id ? documentOf?.(request.id) : undefined);
      if (!query) throw new Error(`The text of ${request.name} is not known`);
      return client.run({ query, variables, operationName: request.name }, sink as Sink);
    });
  return Network.create(run, run);
}
