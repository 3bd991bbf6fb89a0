// The graphql-sse client in both of its modes: a response an operation, and one stream for all.
import { createClient } from 'graphql-sse';
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
import { ask, collect } from './sockets.mjs';

await program(async (base, check) => {
  for (const singleConnection of [false, true]) {
    const mode = singleConnection ? 'single connection' : 'distinct connections';
    const told = (what, ...rest) => check(`${mode}: ${what}`, ...rest);
    await operations(base, singleConnection, told);
    await subscriptions(base, singleConnection, told);
    await refusals(base, singleConnection, told);
    await cutOff(base, singleConnection, told);
  }
});

/** A client, and every request that it sends. */
function clientOf(base, singleConnection, authorization = adminAuthorization) {
  const requests = [];
  const client = createClient({
    url: `${base}/graphql`,
    singleConnection,
    // Copied for each request: the client puts its token there.
    headers: () => ({ authorization }),
    retry: () => new Promise((resolve) => setTimeout(resolve, 20)),
    fetchFn: async (url, init) => {
      const request = { method: init.method };
      requests.push(request);
      const response = await fetch(url, init);
      request.status = response.status;
      return response;
    },
  });
  const count = (method) => requests.filter((it) => it.method === method).length;
  return { client, requests, count };
}

async function operations(base, singleConnection, check) {
  const { client } = clientOf(base, singleConnection);
  const input = newCustomer('sse');
  const made = await ask(client, writes.create, { input });
  check('a mutation', made.data.done.customer.name === input.name, made);
  const found = await ask(client, 'query ($id: ID!) { customer(id: $id) { name } }', {
    id: made.data.done.customer.id,
  });
  check('a query', found.data.customer.name === input.name, found);
  client.dispose();
}

async function subscriptions(base, singleConnection, check) {
  const { client, requests, count } = clientOf(base, singleConnection);
  const one = await write(base, 'create', newCustomer('one'));
  const two = await write(base, 'create', newCustomer('two'));
  const after = await cursorBehind(base, two);
  const a = collect(client, changes, { id: one.id, after });
  const b = collect(client, changes, { id: two.id, after });
  await write(base, 'update', { id: one.id, name: 'One' });
  await write(base, 'update', { id: two.id, name: 'Two' });
  await until('an event each', () => a.results.length && b.results.length);
  a.stop();
  await until('the end of one', () => a.completed);
  if (singleConnection) {
    await until('its DELETE', () =>
      requests.some((it) => it.method === 'DELETE' && it.status === 200),
    );
    check('both are of one stream', count('PUT') === 1 && count('GET') === 1, requests);
  }
  await write(base, 'update', { id: one.id, name: 'One again' });
  await write(base, 'update', { id: two.id, name: 'Two again' });
  await until('a second event', () => b.results.length === 2);
  const ids = [...a.results, ...b.results].map((it) => it.data.customerChanged.customer.id);
  check(
    'each gets its own, until it is stopped',
    ids.join() === [one.id, two.id, two.id].join(),
    ids,
  );
  check(
    'nothing was refused',
    requests.every((it) => it.status < 300),
    requests,
  );
  b.stop();
  client.dispose();
}

async function refusals(base, singleConnection, check) {
  const { client } = clientOf(base, singleConnection);
  const hold = collect(client, changes, { after: await currentCursor(base) });
  for (const [query, variables, code] of [
    ['subscription { customerChanged { nope } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription {', {}, 'GRAPHQL_PARSE_FAILED'],
    [changes, { after: 'not a cursor' }, 'CURSOR_INVALID'],
  ]) {
    const refused = collect(client, query, variables);
    await until('a refusal', () => refused.completed || refused.error);
    const got = refused.results[0]?.errors?.[0].extensions.code;
    check(`${code} is a result`, got === code, refused);
  }
  check('and others go on', !hold.error && !hold.completed, hold);
  hold.stop();
  client.dispose();
}

/** A client whose stream ends early subscribes again by itself. */
async function cutOff(base, singleConnection, check) {
  const member = await register(base, `Sse${singleConnection ? 'single' : 'distinct'}`);
  const { client, requests, count } = clientOf(base, singleConnection, member.authorization);
  const text = 'subscription ($after: String) { postFeed(after: $after) { type } }';
  const seen = collect(client, text, { after: await currentCursor(base) });
  const opened = () => requests.filter((it) => it.status === (singleConnection ? 202 : 200)).length;
  await until('a stream', () => opened() === 1);
  const disconnect =
    'mutation ($input: DisconnectUserInput!) { disconnectUser(input: $input) { endedSessions } }';
  await post(base, disconnect, { input: { id: member.id } });
  await until('another one', () => opened() === 2 || seen.error);
  check('a stream that was cut off is opened again', !seen.error, seen.error);
  if (singleConnection)
    check('with another token', count('PUT') === 2 && count('GET') === 2, requests);
  const made = 'mutation ($input: CreatePostInput!) { createPost(input: $input) { post { id } } }';
  await post(base, made, { input: { message: 'after it' } });
  await until('an event', () => seen.results.length || seen.error);
  check('and shows events', seen.results[0]?.data.postFeed.type, seen.error ?? seen.results);
  seen.stop();
  client.dispose();
}
