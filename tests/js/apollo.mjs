// Apollo Client 3 and 4 with the links that people combine: http, with subscriptions as its own
// multipart answers, persisted queries, batches, retries, and a socket.
import { createHash } from 'node:crypto';
import * as four from '@apollo/client';
import { BatchHttpLink as Batch4 } from '@apollo/client/link/batch-http';
import { createPersistedQueryLink as persisted4 } from '@apollo/client/link/persisted-queries';
import { RetryLink as Retry4 } from '@apollo/client/link/retry';
import { GraphQLWsLink as Socket4 } from '@apollo/client/link/subscriptions';
import * as three from 'apollo3/core/index.js';
import { BatchHttpLink as Batch3 } from 'apollo3/link/batch-http/index.js';
import { createPersistedQueryLink as persisted3 } from 'apollo3/link/persisted-queries/index.js';
import { RetryLink as Retry3 } from 'apollo3/link/retry/index.js';
import { GraphQLWsLink as Socket3 } from 'apollo3/link/subscriptions/index.js';
import {
  changes,
  cursorBehind,
  currentCursor,
  newCustomer,
  post,
  write,
  writes,
} from './customers.mjs';
import { register } from './people.mjs';
import { adminAuthorization, program, until } from './program.mjs';
import { connect } from './sockets.mjs';

const versions = [
  [
    '3',
    {
      ...three,
      BatchHttpLink: Batch3,
      persisted: persisted3,
      RetryLink: Retry3,
      SocketLink: Socket3,
    },
  ],
  [
    '4',
    {
      ...four,
      BatchHttpLink: Batch4,
      persisted: persisted4,
      RetryLink: Retry4,
      SocketLink: Socket4,
    },
  ],
];

await program(async (base, check) => {
  for (const [version, apollo] of versions) {
    const told = (what, ...rest) => check(`Apollo ${version}: ${what}`, ...rest);
    await operations(apollo, base, told);
    await multipart(apollo, base, told);
    await refusals(apollo, base, told);
    await interrupted(apollo, base, told);
    await persisted(apollo, base, told);
    await batches(apollo, base, told);
    await retries(apollo, base, told);
    await socket(apollo, base, told);
  }
});

/** A client over one link, and every request that it sends. */
function clientOf(
  apollo,
  base,
  {
    link: wrap = (http) => http,
    Link = apollo.HttpLink,
    authorization = adminAuthorization,
    failing = () => false,
    ...options
  } = {},
) {
  const requests = [];
  const fetched = async (url, init) => {
    const request = {
      method: init.method,
      url: String(url),
      body: init.body,
      accept: new Headers(init.headers).get('accept'),
    };
    requests.push(request);
    if (failing(requests.length)) throw new TypeError('the network failed');
    const response = await fetch(url, init);
    request.status = response.status;
    request.type = response.headers.get('content-type');
    return response;
  };
  const headers = { authorization };
  const http = new Link({ uri: `${base}/graphql`, headers, fetch: fetched, ...options });
  const cache = new apollo.InMemoryCache();
  const client = new apollo.ApolloClient({
    link: wrap(http),
    cache,
    defaultOptions: { query: { fetchPolicy: 'no-cache' } },
  });
  return { client, requests };
}

/** Subscribes and collects, whichever form the version gives errors. */
function collect(apollo, client, query, variables) {
  const seen = { results: [], error: undefined, completed: false };
  const observer = {
    next: (result) => {
      if (result.errors || result.error)
        seen.error = result.error ?? { graphQLErrors: result.errors };
      else seen.results.push(result);
    },
    error: (error) => {
      seen.error = error;
    },
    complete: () => {
      seen.completed = true;
    },
  };
  const subscription = client
    .subscribe({ query: apollo.gql(query), variables })
    .subscribe(observer);
  seen.stop = () => subscription.unsubscribe();
  return seen;
}

/** The codes of the errors, wherever the version has them. */
function codesOf(error) {
  const { errors, graphQLErrors = [], protocolErrors = [], networkError } = error;
  const all = errors ?? [
    ...graphQLErrors,
    ...protocolErrors,
    ...(networkError?.result?.errors ?? []),
  ];
  return all.map((it) => it.extensions?.code);
}

async function operations(apollo, base, check) {
  const { client } = clientOf(apollo, base);
  const input = newCustomer('apollo');
  const made = await client.mutate({ mutation: apollo.gql(writes.create), variables: { input } });
  check('a mutation', made.data.done.customer.name === input.name, made);
  const query = apollo.gql`query ($id: ID!) { customer(id: $id) { id name } }`;
  const found = await client.query({ query, variables: { id: made.data.done.customer.id } });
  check('a query', found.data.customer.name === input.name, found);
}

async function multipart(apollo, base, check) {
  const { client, requests } = clientOf(apollo, base);
  const customer = await write(base, 'create', newCustomer('parts'));
  const after = await cursorBehind(base, customer);
  const seen = collect(apollo, client, changes, { id: customer.id, after });
  for (const name of ['One', 'Two', 'Three --graphql']) {
    await write(base, 'update', { id: customer.id, name });
  }
  await until('three events', () => seen.error || seen.results.length === 3);
  const got = seen.results.map((it) => it.data.customerChanged.version);
  check('a subscription over HttpLink', got.join() === '2,3,4', seen.error ?? got);
  check(
    'it was a multipart answer',
    requests[0].type.startsWith('multipart/mixed;boundary="graphql"'),
    requests[0],
  );
  // The gateway of this test sends a heartbeat every 200 ms.
  await new Promise((resolve) => setTimeout(resolve, 700));
  check('heartbeats are no results', seen.results.length === 3 && !seen.error, seen.error);
  await write(base, 'update', { id: customer.id, name: 'Four' });
  await until('an event behind heartbeats', () => seen.error || seen.results.length === 4);
  check('and events come behind them', !seen.error, seen.error);
  seen.stop();
}

async function refusals(apollo, base, check) {
  const { client, requests } = clientOf(apollo, base);
  const seen = collect(apollo, client, changes, { after: 'not a cursor' });
  await until('a refusal', () => seen.error);
  check(
    'a refused subscription is an error with its code',
    codesOf(seen.error).join() === 'CURSOR_INVALID',
    seen.error,
  );
  check('which is no stream', !requests[0].type.startsWith('multipart'), requests[0]);
  const query = apollo.gql`{ customer(id: "x") { nope } }`;
  const error = await client.query({ query }).catch((caught) => caught);
  check('so is a refused query', codesOf(error).join() === 'GRAPHQL_VALIDATION_FAILED', error);
}

async function interrupted(apollo, base, check) {
  const member = await register(base, `Apollo${Math.random().toString(36).slice(2, 6)}`);
  const { client, requests } = clientOf(apollo, base, { authorization: member.authorization });
  const after = await currentCursor(base);
  const mine = 'subscription ($after: String) { postFeed(after: $after) { type } }';
  const seen = collect(apollo, client, mine, { after });
  await until('a stream', () => requests[0]?.type);
  const document =
    'mutation ($input: DisconnectUserInput!) { disconnectUser(input: $input) { endedSessions } }';
  await post(base, document, { input: { id: member.id } });
  await until('the end', () => seen.error || seen.completed);
  check(
    'a stream that is cut off is an error of the protocol',
    codesOf(seen.error).join() === 'UNAVAILABLE',
    seen.error ?? seen,
  );
  const kind = seen.error.name ?? '';
  check(
    'and not of the operation',
    kind.includes('Protocol') || seen.error.protocolErrors?.length === 1,
    kind,
  );
}

async function persisted(apollo, base, check) {
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const link = (http) => apollo.persisted({ sha256, useGETForHashedQueries: true }).concat(http);
  // A name of its own makes it a document that nobody has sent before.
  const name = `Persisted${Math.random().toString(36).slice(2)}`;
  const query = apollo.gql(`query ${name} { customers(first: 1) { totalCount } }`);
  const first = clientOf(apollo, base, { link });
  const one = await first.client.query({ query });
  check(
    'a query that is not known by its hash is sent',
    Number.isInteger(one.data.customers.totalCount),
    one,
  );
  const methods = first.requests.map((it) => it.method);
  check('after one attempt by GET', methods.join() === 'GET,POST', first.requests);
  const second = clientOf(apollo, base, { link });
  await second.client.query({ query });
  check('and then known', second.requests.map((it) => it.method).join() === 'GET', second.requests);
  check('and not sent', !second.requests[0].url.includes('totalCount'), second.requests[0].url);
}

async function batches(apollo, base, check) {
  const { client, requests } = clientOf(apollo, base, {
    Link: apollo.BatchHttpLink,
    batchInterval: 20,
  });
  const ask = (name) => client.query({ query: apollo.gql(`query ${name} { __typename }`) });
  const answers = await Promise.all([ask('A'), ask('B'), ask('C')]);
  check(
    'three queries in one batch',
    answers.every((it) => it.data.__typename === 'Query') && requests.length === 1,
    requests,
  );
}

async function retries(apollo, base, check) {
  const link = (http) => new apollo.RetryLink({ delay: { initial: 10 } }).concat(http);
  const { client, requests } = clientOf(apollo, base, { link, failing: (attempt) => attempt < 3 });
  const found = await client.query({ query: apollo.gql`{ __typename }` });
  check(
    'a query that was tried again',
    found.data.__typename === 'Query' && requests.length === 3,
    requests,
  );
}

async function socket(apollo, base, check) {
  const { client: over } = connect(base);
  const client = new apollo.ApolloClient({
    link: new apollo.SocketLink(over),
    cache: new apollo.InMemoryCache(),
  });
  const customer = await write(base, 'create', newCustomer('wire'));
  const after = await cursorBehind(base, customer);
  const seen = collect(apollo, client, changes, { id: customer.id, after });
  await write(base, 'update', { id: customer.id, name: 'Wired' });
  await until('an event', () => seen.error || seen.results.length);
  check(
    'a subscription over GraphQLWsLink',
    seen.results[0]?.data.customerChanged.version === 2,
    seen.error,
  );
  seen.stop();
}
