// Single lines: cut before the first event, without sockets, behind events that are gone, and under a slow reader; and queries that
// show what was written before them.
import { newCustomer, write } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { connectAsAdmin } from './gateway.mjs';
import { proxy } from './proxy.mjs';
import { changes } from './subscribers.mjs';

const run = Math.random().toString(36).slice(2, 8);
const create =
  'mutation ($input: CreateCustomerInput!) { done: createCustomer(input: $input) { customer { id name } } }';

await program(async (base, check) => {
  for (const transport of ['websocket', 'event-stream']) {
    await beforeTheFirst(base, check, transport);
    await gone(base, check, transport);
  }
  await slow(base, check);
  await fallback(base, check);
  await ownWrites(base, check);
});

/** A subscription of `client`, and what came of it. */
function listen(client, operation, options) {
  const seen = { results: [], names: [], error: undefined };
  seen.stop = client.run(
    operation,
    {
      next: (result) => {
        seen.results.push(result);
        seen.names.push(result.data.customerChanged.customer.name);
      },
      error: (error) => {
        seen.error = error;
      },
      complete: () => {},
    },
    options,
  );
  return seen;
}

async function beforeTheFirst(base, check, transport) {
  const line = await proxy(base);
  const client = connectAsAdmin(line.url, { transport });
  const words = [];
  client.onState(() => words.push(client.state.status));
  const seen = listen(client, { query: changes });
  await until('a line', () => client.state.status === 'live');
  line.fall();
  await until('the loss', () => client.state.status === 'offline');
  const names = [];
  for (let n = 0; n < 3; n++) {
    const input = newCustomer('unseen');
    await write(base, 'create', input);
    names.push(input.name);
  }
  await line.rise();
  // A cursor of the present may be one of a moment ago.
  const mine = () => seen.names.filter((name) => names.includes(name));
  await until('what was missed', () => mine().length >= 3 || seen.error);
  await until('the present', () => client.state.status === 'live');
  check(
    `${transport}: a line that is cut before the first event loses nothing`,
    mine().join() === names.join(),
    seen,
  );
  check(
    `${transport}: the state counts what was caught up`,
    client.state.caughtUp === 3,
    client.state,
  );
  const told = words.filter((word, i) => word !== words[i - 1]).join();
  check(
    `${transport}: and says what was so`,
    /^connecting,live,(resuming,)?(offline,resuming,)+live$/.test(told),
    told,
  );
  client.dispose();
  check(
    `${transport}: a client that is disposed says so`,
    seen.error?.code === 'ABORTED',
    seen.error,
  );
}

async function gone(base, check, transport) {
  const client = connectAsAdmin(`${base}/graphql`, { transport });
  const operation = { query: changes, variables: { after: 'ffffffff-1-ffffffff' } };
  const refused = listen(client, operation);
  await until('a refusal', () => refused.error);
  check(
    `${transport}: a cursor of another log is told`,
    refused.error.code === 'CURSOR_INVALID',
    refused.error,
  );
  const gaps = [];
  const onGap = async (gap) => {
    gaps.push(gap.code);
    return (await client.query({ query: '{ __typename }' })).extensions.cursor;
  };
  const bridged = listen(client, operation, { onGap });
  await until('a bridge', () => gaps.length > 0);
  const input = newCustomer('bridged');
  await until('an event behind the gap', async () => {
    if (!bridged.names.length)
      await write(base, 'create', { ...input, email: `${Math.random()}@example.com` });
    return bridged.names.length > 0;
  });
  check(
    `${transport}: and bridged where the application says`,
    gaps.join() === 'CURSOR_INVALID' && !bridged.error,
    gaps,
  );
  client.dispose();
}

/** A reader that takes nothing while thousands of events come gets each once. */
async function slow(base, check) {
  const client = connectAsAdmin(`${base}/graphql`);
  const { id, version } = await write(base, 'create', newCustomer('slow'));
  const query = `subscription ($id: ID!, $after: String) { customerChanged(id: $id, after: $after) { version } }`;
  const iterator = client.subscribe({ query, variables: { id } });
  await until('a line', () => client.state.status === 'live');
  let last = version;
  while (last < 1_100) {
    // Many in one request: each row is an event.
    const rows = Array.from({ length: 550 }, (_, n) => ({ id, name: `Slow ${last + n}` }));
    const query =
      'mutation ($rows: [UpdateCustomerInput!]!) { updateCustomers(input: { rows: $rows }) { done } }';
    const { data } = await client.mutate({ query, variables: { rows } });
    last += data.updateCustomers.done;
  }
  const versions = [];
  for await (const { data } of iterator) {
    versions.push(data.customerChanged.version);
    if (versions.at(-1) >= last) break;
  }
  const [first] = versions;
  const isWhole = first <= version + 1 && versions.every((it, i) => it === first + i);
  check(
    `a slow reader gets each of ${versions.length} events once`,
    isWhole && versions.at(-1) === last,
    versions.length,
  );
  client.dispose();
}

async function fallback(base, check) {
  const line = await proxy(base);
  line.mode.refusesSockets = true;
  const client = connectAsAdmin(line.url);
  const input = newCustomer('fallback');
  const received = [];
  client.run(
    { query: changes },
    { next: (it) => received.push(it), error: (error) => received.push(error), complete: () => {} },
  );
  await until(
    'an event stream',
    () => client.state.transport === 'event-stream' && client.state.status === 'live',
  );
  await client.mutate({ query: create, variables: { input } });
  const isMine = (it) => it.data?.customerChanged.customer.name === input.name;
  await until('its event', () => received.some(isMine));
  check(
    'event streams take over where sockets do not get through',
    received.filter(isMine).length === 1,
    received,
  );
  client.dispose();
}

async function ownWrites(base, check) {
  const client = connectAsAdmin(`${base}/graphql`);
  const publish =
    'mutation ($input: CreatePostInput!) { createPost(input: $input) { post { id } } }';
  for (let n = 0; n < 10; n++) {
    const { data } = await client.mutate({
      query: publish,
      variables: { input: { message: `Post ${run} ${n}` } },
    });
    const newest = await client.query({ query: '{ posts(first: 1) { nodes { id } } }' });
    check(
      `query ${n} shows what was written before it`,
      newest.data.posts.nodes[0].id === data.createPost.post.id,
      newest,
    );
  }
  const refused = await client
    .mutate({ query: create, variables: { input: { name: '', email: 'none' } } })
    .catch((error) => error);
  check(
    'a refused input names the fields',
    refused.code === 'VALIDATION' && refused.violations.length >= 2,
    refused,
  );
  client.dispose();
}
