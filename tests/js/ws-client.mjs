// The real graphql-ws client against the gateway: operations, errors and pings on one socket, and
// a connection cut again and again under writes, from which it must resume without loss.
import { changes, currentCursor, cursorBehind, cursorOf, newCustomer, write, writes } from './customers.mjs';
import { program, until } from './program.mjs';
import { reconnects } from './reconnects.mjs';
import { ask, collect, connect } from './sockets.mjs';

await program(async (base, check) => {
  await operations(base, check);
  await lifecycle(base, check);
  await live(base, check);
  await twoOnOneSocket(base, check);
  await errors(base, check);
  await pings(base, check);
  await reconnects(base, check);
});

async function operations(base, check) {
  const { client, seen } = connect(base);
  const query = await ask(client, '{ customers(first: 1) { totalCount } }');
  check('a query over the socket', Number.isInteger(query.data.customers.totalCount));
  check('it carries extensions.cursor', cursorOf(query));
  const input = newCustomer('socket');
  const mutation = await ask(client, writes.create, { input });
  check('a mutation over the socket', mutation.data.done.customer.name === input.name);
  check('it carries extensions.cursor', cursorOf(mutation));
  await until('the lazy client to close its socket', () => seen.closed.length === seen.connects);
  check(
    'a lazy client closes with 1000 after its last operation',
    seen.closed.every((c) => c === 1000),
    seen.closed,
  );
}

async function lifecycle(base, check) {
  const { client } = connect(base);
  const after = await currentCursor(base);
  const subscription = collect(client, changes, { after });
  const { id } = (await ask(client, writes.create, { input: newCustomer('life') })).data.done
    .customer;
  await ask(client, writes.update, { input: { id, expectedVersion: 1, name: 'Renamed' } });
  await ask(client, writes.delete, { input: { id, expectedVersion: 2 } });
  await ask(client, writes.restore, { input: { id, expectedVersion: 3 } });
  const mine = () => subscription.results.filter((r) => r.data?.customerChanged.customer.id === id);
  await until('four events', () => subscription.error || mine().length >= 4);
  const seen = mine().map((r) => r.data.customerChanged);
  const got = seen.map((event) => `${event.type} ${event.version}`);
  check(
    'create, update, delete, restore come in order as versions 1 to 4',
    got.join() === 'CREATED 1,UPDATED 2,DELETED 3,RESTORED 4',
    subscription.error ?? got,
  );
  check(
    'each shows the customer at or after its event',
    seen.every((e) => e.customer.version >= e.version),
    seen,
  );
  check(
    'the payload cursor is that of the event',
    mine().every((r) => cursorOf(r) === r.data.customerChanged.cursor),
    mine(),
  );
  subscription.stop();
  await until('completion', () => subscription.completed);
  check('a stopped subscription completes');
}

async function live(base, check) {
  const { client } = connect(base);
  const customer = await write(base, 'create', newCustomer('live'));
  const { id } = customer;
  const subscription = collect(client, changes, { id });
  // Nothing says when a live subscription has begun, so write until it shows an event.
  let version = customer.version;
  while (!subscription.results.length && version < 200) {
    ({ version } = await write(base, 'update', { id, name: `Live ${version}` }));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (let i = 0; i < 20; i++)
    ({ version } = await write(base, 'update', { id, name: `Live on ${i}` }));
  const versions = () => subscription.results.map((r) => r.data.customerChanged.version);
  await until('the last event', () => versions().at(-1) === version);
  const first = versions()[0];
  check(
    'without a cursor it is live, without a gap',
    versions().every((v, i) => v === first + i),
    versions(),
  );
  subscription.stop();
}

async function twoOnOneSocket(base, check) {
  const { client, seen } = connect(base);
  const one = await write(base, 'create', newCustomer('one'));
  const two = await write(base, 'create', newCustomer('two'));
  const after = await cursorBehind(base, two);
  const a = collect(client, changes, { id: one.id, after });
  const b = collect(client, changes, { id: two.id, after });
  await write(base, 'update', { id: one.id, name: 'One' });
  await write(base, 'update', { id: two.id, name: 'Two' });
  await until('one event each', () => a.results.length && b.results.length);
  check('two subscriptions share one socket', seen.connects === 1);
  a.stop();
  await write(base, 'update', { id: one.id, name: 'One again' });
  await write(base, 'update', { id: two.id, name: 'Two again' });
  await until('the event of the one that is left', () => b.results.length === 2);
  check(
    'completing one leaves the other',
    a.results.length === 1 && !b.error && seen.connects === 1,
  );
  const ids = [...a.results, ...b.results].map((r) => r.data.customerChanged.customer.id);
  check('each got only its own customer', ids.join() === [one.id, two.id, two.id].join(), ids);
  b.stop();
}

async function errors(base, check) {
  const { client, seen } = connect(base);
  const hold = collect(client, changes, { after: await currentCursor(base) });
  const invalid = collect(client, 'subscription { customerChanged { nope } }');
  await until('a refusal', () => invalid.error);
  check(
    'an invalid document is answered by an `error` message',
    Array.isArray(invalid.error),
    invalid.error,
  );
  check(
    'with a code',
    invalid.error[0].extensions?.code === 'GRAPHQL_VALIDATION_FAILED',
    invalid.error,
  );
  check('and without a `next`', invalid.results.length === 0);
  const unparsable = collect(client, 'subscription {');
  await until('a refusal', () => unparsable.error);
  check(
    'so is one that does not parse',
    unparsable.error[0]?.extensions?.code === 'GRAPHQL_PARSE_FAILED',
    unparsable.error,
  );
  const badCursor = collect(client, changes, { after: 'not a cursor' });
  await until('a refusal', () => badCursor.error || badCursor.results.length);
  const codes = (badCursor.error ?? badCursor.results[0].errors)?.map?.((e) => e.extensions?.code);
  check(
    'a cursor that is none is CURSOR_INVALID',
    codes?.[0] === 'CURSOR_INVALID',
    codes ?? badCursor.results,
  );
  check(
    'the socket and its other subscription live on',
    seen.connects === 1 && !seen.closed.length && !hold.error,
  );
  hold.stop();
}

async function pings(base, check) {
  const { client, seen } = connect(base, { keepAlive: 100 });
  const hold = collect(client, changes, { after: await currentCursor(base) });
  await until('three pongs', () => seen.pongs >= 3);
  check('keep-alive pings are answered', seen.connects === 1 && !seen.closed.length && !hold.error);
  hold.stop();
}
