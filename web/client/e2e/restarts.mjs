// The gateway is killed and started again, under subscriptions and mutations of this client: each mutation is done once, and
// each event comes once.
import { newCustomer } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { connectAsAdmin, tell } from './gateway.mjs';
import { ledgers, settle } from './ledgers.mjs';
import { subscribers } from './subscribers.mjs';

const kills = 2;
const writers = 4;
const create =
  'mutation ($input: CreateCustomerInput!) { done: createCustomer(input: $input) { customer { id name version } } }';
const update =
  'mutation ($input: UpdateCustomerInput!) { done: updateCustomer(input: $input) { customer { id name version } } }';

await program(async (base, check) => {
  const url = `${base}/graphql`;
  const names = ['callbacks/websocket', 'iterator/event-stream'];
  const books = ledgers(names);
  const clients = names.map((name) => {
    const [subscriber, transport] = name.split('/');
    const client = connectAsAdmin(url, { transport, attempts: 40 });
    const words = new Set();
    client.onState(() => words.add(client.state.status));
    const ledger = books.byName[name];
    subscribers[subscriber](
      client,
      ({ data }) => ledger.receive(data.customerChanged),
      (error) => {
        ledger.failure = error;
      },
    );
    return { client, words };
  });
  await until('both lines', () => clients.every(({ client }) => client.state.status === 'live'));

  let isOver = false;
  let writes = 0;
  const writing = Array.from({ length: writers }, async () => {
    const { client } = clients[0];
    while (!isOver) {
      const created = await client.mutate({
        query: create,
        variables: { input: newCustomer('killed') },
      });
      const { id } = created.data.done.customer;
      books.wrote(created.data.done.customer);
      writes += 1;
      for (let i = 0; i < 3 && !isOver; i++) {
        const input = { id, name: `Killed ${i}` };
        books.wrote(
          (await client.mutate({ query: update, variables: { input } })).data.done.customer,
        );
        writes += 1;
      }
    }
  });
  for (let kill = 1; kill <= kills; kill++) {
    const before = writes;
    await until('writes', () => writes > before + 20);
    await tell('kill and restart');
  }
  const before = writes;
  await until('writes after the last start', () => writes > before + 20);
  isOver = true;
  await Promise.all(writing);
  await settle(base, books, writes, check);
  check(
    'the state said that the gateway was away',
    clients.every(({ words }) => words.has('offline') || words.has('resuming')),
    clients.map(({ words }) => [...words]),
  );
  await until('both to be live', () =>
    clients.every(({ client }) => client.state.status === 'live'),
  );
  check('and that it is back', clients[0].client.state.waiting === 0);
});
