// One subscription to customers' changes in each of the ways in which applications subscribe, for the same ledger.
import { register } from 'node:module';
import * as apollo4 from '@apollo/client/core';
import { gql } from '@apollo/client/core';
import { millraceLink } from '@millrace/client/apollo';
import { millraceNetwork } from '@millrace/client/relay';
import { millraceExchange } from '@millrace/client/urql';
import { Client as UrqlClient } from '@urql/core';
import * as apollo3 from 'apollo-client-3/core/index.js';

// The same file of the package once more, which finds Apollo Client 3 where it asks for any.
register('./apollo-3.mjs', import.meta.url);
export const { millraceLink: millraceLink3 } = await import('../dist/apollo.js?apollo-3');

export const changes = `subscription Changes($after: String) {
  customerChanged(after: $after) { cursor type version customer { id name version } }
}`;

/** Each takes a client, and calls with what came, until it is stopped. */
export const subscribers = {
  callbacks: (client, onResult, onError) =>
    client.run(
      { query: changes },
      { next: onResult, error: onError, complete: () => onError('complete') },
    ),

  iterator: (client, onResult, onError) => {
    const iterator = client.subscribe({ query: changes });
    (async () => {
      for await (const result of iterator) onResult(result);
    })().catch(onError);
    return () => iterator.return();
  },

  apollo3: (client, onResult, onError) => apollo(apollo3, millraceLink3(client), onResult, onError),

  apollo4: (client, onResult, onError) => apollo(apollo4, millraceLink(client), onResult, onError),

  urql: (client, onResult, onError) => {
    const urql = new UrqlClient({
      url: 'unused',
      preferGetMethod: false,
      exchanges: [millraceExchange(client)],
    });
    const { unsubscribe } = urql.subscription(changes, {}).subscribe((result) => {
      if (result.error) onError(result.error);
      else if (result.data) onResult(result);
    });
    return unsubscribe;
  },

  relay: (client, onResult, onError) => {
    const network = millraceNetwork(client);
    const params = {
      name: 'Changes',
      text: changes,
      id: null,
      cacheID: 'c',
      operationKind: 'subscription',
      metadata: {},
    };
    const subscription = network
      .execute(params, {}, { force: true })
      .subscribe({ next: onResult, error: onError, complete: () => onError('complete') });
    return () => subscription.unsubscribe();
  },
};

function apollo(library, link, onResult, onError) {
  const { ApolloClient, InMemoryCache } = library;
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  const subscription = client
    .subscribe({ query: gql(changes), fetchPolicy: 'no-cache' })
    .subscribe({ next: onResult, error: onError, complete: () => onError('complete') });
  return () => subscription.unsubscribe();
}
