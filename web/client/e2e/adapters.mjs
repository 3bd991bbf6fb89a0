// Queries, mutations and errors through Apollo Client 3 and 4, urql and Relay: as each of these libraries shows them.
import * as apollo4 from '@apollo/client/core';
import { millraceLink } from '@millrace/client/apollo';
import { millraceNetwork } from '@millrace/client/relay';
import { millraceExchange } from '@millrace/client/urql';
import { Client as UrqlClient } from '@urql/core';
import * as apollo3 from 'apollo-client-3/core/index.js';
import { newCustomer } from '../../../tests/js/customers.mjs';
import { program } from '../../../tests/js/program.mjs';
import { connectAsAdmin } from './gateway.mjs';
import { proxy } from './proxy.mjs';
import { millraceLink3 } from './subscribers.mjs';

const read = 'query Read($id: ID!) { customer(id: $id) { id name } }';
const create =
  'mutation Create($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id name } } }';

/** Each gives a function that runs a document, and returns its data or throws what the library makes of an error. */
const libraries = {
  apollo3: (client) => apollo(apollo3, millraceLink3(client)),
  apollo4: (client) => apollo(apollo4, millraceLink(client)),
  urql: (client) => {
    const urql = new UrqlClient({
      url: 'unused',
      preferGetMethod: false,
      exchanges: [millraceExchange(client)],
    });
    return async (query, variables) => {
      const result = await (query === read
        ? urql.query(query, variables)
        : urql.mutation(query, variables)
      ).toPromise();
      if (result.error) throw result.error;
      return result.data;
    };
  },
  relay: (client) => {
    const network = millraceNetwork(client);
    return async (query, variables) => {
      const [, operationKind, name] = /^(\w+) (\w+)/.exec(query);
      const params = { name, text: query, id: null, cacheID: name, operationKind, metadata: {} };
      const result = await network.execute(params, variables, { force: true }).toPromise();
      if (result.errors) throw Object.assign(new Error(result.errors[0].message), result);
      return result.data;
    };
  },
};

await program(async (base, check) => {
  for (const [name, of] of Object.entries(libraries)) {
    const line = await proxy(base);
    const client = connectAsAdmin(line.url);
    const ask = of(client);
    const input = newCustomer(name);
    // The answer is lost once: the customer must be there once all the same.
    line.mode.lostAnswers = 1;
    const created = await ask(create, { input });
    const { id } = created.createCustomer.customer;
    check(
      `${name}: a mutation whose answer was lost is done once`,
      created.createCustomer.customer.name === input.name,
      created,
    );
    const found = await ask(read, { id });
    check(`${name}: a query`, found.customer.name === input.name, found);
    const error = await ask(create, { input: { ...input, name: '' } }).then(
      () => undefined,
      (refused) => refused,
    );
    const errors = error?.graphQLErrors?.length ? error.graphQLErrors : error?.errors;
    check(
      `${name}: an error with its code and violations`,
      errors?.[0].extensions.code === 'VALIDATION' && errors[0].extensions.violations.length > 0,
      error,
    );
    client.dispose();
  }
});

function apollo({ ApolloClient, InMemoryCache, gql }, link) {
  const client = new ApolloClient({ cache: new InMemoryCache(), link });
  return async (query, variables) => {
    const document = gql(query);
    const options = { variables, fetchPolicy: 'no-cache' };
    const { data } = await (query === read
      ? client.query({ query: document, ...options })
      : client.mutate({ mutation: document, ...options }));
    return data;
  };
}
