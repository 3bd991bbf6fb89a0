// A Relay network: queries, mutations, subscriptions and live queries go through the client, with the options in the metadata of
// their `cacheConfig`. Files are `uploadables` under the paths of their variables.
import {
  type CacheConfig,
  type INetwork,
  Network,
  Observable,
  type RequestParameters,
  type UploadableMap,
  type Variables,
} from 'relay-runtime';
import { optionsOf, withFiles } from './adapters.ts';
import type { Client } from './client.ts';
import type { Sink } from './types.ts';

/** `documentOf` gives the text of persisted operations, which have only an id in the artifacts. */
export function millraceNetwork(
  client: Client,
  documentOf?: (id: string) => string | undefined,
): INetwork {
  const run = (
    request: RequestParameters,
    given: Variables,
    { metadata }: CacheConfig,
    files?: UploadableMap | null,
  ) =>
    Observable.create<never>((sink) => {
      const query = request.text ?? (request.id ? documentOf?.(request.id) : undefined);
      if (!query) throw new Error(`The text of ${request.name} is not known`);
      const variables = files ? withFiles(given, files) : given;
      const operation = { query, variables, operationName: request.name };
      return client.run(operation, sink as Sink, optionsOf(metadata));
    });
  return Network.create(run, (request, variables, config) => run(request, variables, config));
}
