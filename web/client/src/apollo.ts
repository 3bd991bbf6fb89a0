// A terminating Apollo link, of Apollo Client 3 and 4: all operations go through the client, with the options in their context.
import { ApolloLink, Observable } from '@apollo/client/core';
import { optionsOf } from './adapters.ts';
import type { Client } from './client.ts';
import type { Sink } from './types.ts';

export function millraceLink(client: Client): ApolloLink {
  return new ApolloLink((asked) => {
    const { query, variables, operationName, extensions } = asked;
    const operation = { query, variables, ...(operationName && { operationName }), extensions };
    const options = optionsOf(asked.getContext());
    return new Observable<ApolloLink.Result>((observer) =>
      client.run(operation, observer as Sink, options),
    );
  });
}
