// urql: graphcache, persisted queries, trusted documents, and subscriptions over event streams and a
// socket.
import { Client, fetchExchange, gql, subscriptionExchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { persistedExchange } from '@urql/exchange-persisted';
import { changes, cursorBehind, newCustomer, write } from './customers.mjs';
import { adminAuthorization, program, until } from './program.mjs';
import { connect } from './sockets.mjs';

const one = 'query One($id: ID!) { customer(id: $id) { id name version } }';
const rename = `mutation ($input: UpdateCustomerInput!) {
  updateCustomer(input: $input) { customer { id name version } } }`;

await program(async (base, check) => {
  await cached(base, check);
  await persisted(base, check);
  await trusted(base, check);
  await streamed(base, check);
  await overSocket(base, check);
});

/** A client with these exchanges, and every request that it sends. */
function clientOf(base, exchanges, options = {}) {
  const requests = [];
  const client = new Client({
    url: `${base}/graphql`,
    exchanges,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization: adminAuthorization } },
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      requests.push({
        method: init.method,
        url,
        body: init.body,
        type: response.headers.get('content-type'),
      });
      return response;
    },
    ...options,
  });
  return { client, requests };
}

async function cached(base, check) {
  const { client, requests } = clientOf(base, [cacheExchange({}), fetchExchange]);
  const { id, version } = await write(base, 'create', newCustomer('urql'));
  const names = [];
  client.query(one, { id }).subscribe(({ data }) => data && names.push(data.customer.name));
  await until('the customer', () => names.length);
  const input = { id, expectedVersion: version, name: 'Renamed' };
  const changed = await client.mutation(rename, { input }).toPromise();
  check('a mutation', changed.data?.updateCustomer.customer.version === version + 1, changed.error);
  await until('the new name', () => names.at(-1) === 'Renamed');
  check('graphcache shows it without another query', requests.length === 2, requests);
}

async function persisted(base, check) {
  const exchanges = [persistedExchange({ preferGetForPersistedQueries: true }), fetchExchange];
  const query = `query Urql${Math.random().toString(36).slice(2)} { customers(first: 1) { totalCount } }`;
  const first = clientOf(base, exchanges);
  const answer = await first.client.query(query, {}).toPromise();
  check(
    'a persisted query that nobody has sent',
    Number.isInteger(answer.data?.customers.totalCount),
    answer.error,
  );
  check('is sent on the second attempt', first.requests.length === 2, first.requests);
  const second = clientOf(base, exchanges);
  const again = await second.client.query(query, {}).toPromise();
  check('and known from then on', again.data && second.requests.length === 1, second.requests);
  check('by GET', second.requests[0].method === 'GET', second.requests);
}

/** A document of which the client has nothing but its id, as a build step leaves it. */
async function trusted(base, check) {
  const { client, requests } = clientOf(base, [fetchExchange]);
  // While developing, urql wants to see an operation.
  process.env.NODE_ENV = 'production';
  const named = (documentId) => ({ kind: 'Document', definitions: [], documentId });
  const answer = await client.query(named('sha1-of-the-text'), {}).toPromise();
  check('a trusted document by its id', answer.data?.me.id, answer.error ?? requests);
  const sent = JSON.parse(requests[0].body);
  check('which is all that was sent', sent.documentId && !sent.query, sent);
  const refused = await client.query(named('nobody-knows'), {}).toPromise();
  const code = refused.error?.graphQLErrors[0]?.extensions.code;
  check('one that is unknown is refused', code === 'PERSISTED_QUERY_NOT_FOUND', refused.error);
}

async function streamed(base, check) {
  const { client, requests } = clientOf(base, [fetchExchange], { fetchSubscriptions: true });
  await follow(base, client, 'an event stream', check);
  check('it was one', requests[0].type.startsWith('text/event-stream'), requests);
}

async function overSocket(base, check) {
  const { client: socket } = connect(base);
  const exchange = subscriptionExchange({
    forwardSubscription: ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
    }),
  });
  const { client } = clientOf(base, [fetchExchange, exchange]);
  await follow(base, client, 'a socket', check);
}

async function follow(base, client, what, check) {
  const customer = await write(base, 'create', newCustomer('follow'));
  const after = await cursorBehind(base, customer);
  const versions = [];
  let error;
  const following = client
    .subscription(gql(changes), { id: customer.id, after })
    .subscribe((result) => {
      error ??= result.error;
      if (result.data) versions.push(result.data.customerChanged.version);
    });
  for (const name of ['Two', 'Three']) await write(base, 'update', { id: customer.id, name });
  await until('two events', () => error || versions.length === 2);
  check(`a subscription over ${what}`, versions.join() === '2,3', error ?? versions);
  following.unsubscribe();
}
