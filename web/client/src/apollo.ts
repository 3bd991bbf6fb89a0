// A terminating Apollo link, of Apollo Client 3 and 4: all operations go through the client.
import { ApolloLink, Observable } from '@apollo/client/core';
import type { Client } from './client.ts';
import type { Sink } from './types.ts';

export function millraceLink(client: Client): ApolloLink {
  return new ApolloLink(({ query, variables, operationName, extensions }) => {
    const operation = { query, variables, ...(operationName && { operationName }), extensions };
    return new Observable<ApolloLink.Result>((observer) => client.run(operation, observer as Sink));
  });
}
