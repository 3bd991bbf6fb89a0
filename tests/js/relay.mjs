// Relay with the network that its guide shows: persisted documents by id, mutations by text, and
// subscriptions over graphql-sse. The artifacts are what its compiler writes for these documents.
import { createClient } from 'graphql-sse';
import relay from 'relay-runtime';
import { changes, cursorBehind, newCustomer, write } from './customers.mjs';
import { adminAuthorization, program, until } from './program.mjs';

const { createOperationDescriptor, Environment, Network, Observable, RecordSource, Store } = relay;

const scalar = (name) => ({ alias: null, args: null, kind: 'ScalarField', name, storageKey: null });
const me = {
  alias: null,
  args: null,
  concreteType: 'User',
  kind: 'LinkedField',
  name: 'me',
  plural: false,
  selections: [scalar('id'), scalar('name')],
  storageKey: null,
};
const meQuery = {
  kind: 'Request',
  fragment: {
    argumentDefinitions: [],
    kind: 'Fragment',
    metadata: null,
    name: 'RelayMeQuery',
    selections: [me],
    type: 'Query',
    abstractKey: null,
  },
  operation: { argumentDefinitions: [], kind: 'Operation', name: 'RelayMeQuery', selections: [me] },
  params: {
    id: '5c36f2a1b0d94c5e8f7a6b5c4d3e2f10',
    metadata: {},
    name: 'RelayMeQuery',
    operationKind: 'query',
    text: null,
  },
};

await program(async (base, check) => {
  const headers = { authorization: adminAuthorization };
  const sent = [];
  const streams = createClient({ url: `${base}/graphql`, headers });
  const fetched = async ({ id, text }, variables) => {
    const body = { ...(id ? { documentId: id } : { query: text }), variables };
    sent.push(body);
    const response = await fetch(`${base}/graphql`, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
      },
      body: JSON.stringify(body),
    });
    return response.json();
  };
  const subscribed = ({ text }, variables) =>
    Observable.create((sink) => streams.subscribe({ query: text, variables }, sink));
  const network = Network.create(fetched, subscribed);
  const environment = new Environment({ network, store: new Store(new RecordSource()) });

  const operation = createOperationDescriptor(meQuery, {});
  await environment.execute({ operation }).toPromise();
  const { data } = environment.lookup(operation.fragment);
  check(
    'a query by its id reaches the store',
    data.me.id.startsWith('user_') && data.me.name,
    data,
  );
  check('its text was not sent', sent[0].documentId && !sent[0].query, sent);

  const customer = await write(base, 'create', newCustomer('relay'));
  const after = await cursorBehind(base, customer);
  const versions = [];
  const params = {
    id: null,
    name: 'Changes',
    operationKind: 'subscription',
    text: changes,
    metadata: {},
  };
  const following = network.execute(params, { id: customer.id, after }, {}).subscribe({
    next: (result) => versions.push(result.data.customerChanged.version),
    error: (error) => versions.push(error),
  });
  await write(base, 'update', { id: customer.id, name: 'Two' });
  await until('an event', () => versions.length);
  check('a subscription', versions[0] === 2, versions);
  following.unsubscribe();
});
