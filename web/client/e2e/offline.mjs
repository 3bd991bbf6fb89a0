// Without a network: mutations wait in a file, through the end of the program that queued them, and are done once and in
// order when the network is back, by one of two tabs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { post } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { fileStore } from './file-store.mjs';
import { connectAsAdmin } from './gateway.mjs';
import { proxy } from './proxy.mjs';

const run = Math.random().toString(36).slice(2, 8);
const create =
  'mutation ($input: CreateCustomerInput!) { done: createCustomer(input: $input) { customer { id name } } }';
const inputOf = (n) => ({ name: `Queued ${run} ${n}`, email: `queued.${run}.${n}@example.com` });

// The first life: queues what it is told to, and waits until it is killed.
if (process.argv[3] === 'queue') {
  const client = connectAsAdmin(process.argv[2], {
    name: 'queue',
    queue: fileStore(process.argv[4]),
  });
  JSON.parse(process.argv[5]).forEach((input) => {
    client.mutate({ query: create, variables: { input } }, { queue: true });
  });
  await until(
    'a full queue',
    () => client.state.waiting === 5 && client.state.status === 'offline',
  );
  console.log('queued');
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

await program(async (base, check) => {
  await queue(base, check);
});

async function queue(base, check) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'queue-'));
  const file = path.join(directory, 'queue.json');
  const line = await proxy(base);
  line.fall();
  const inputs = [1, 2, 3, 4, 5].map(inputOf);
  const arguments_ = [process.argv[1], line.url, 'queue', file, JSON.stringify(inputs)];
  const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [printed] = await once(child.stdout, 'data');
  check('a program queues five mutations', String(printed).includes('queued'), String(printed));
  child.kill('SIGKILL');
  await once(child, 'exit');
  check(
    'they are in the file when it was killed',
    Object.keys(JSON.parse(await readFile(file, 'utf8'))).length === 5,
  );

  const settled = [];
  const sent = [];
  const counting = (target, init) => {
    if (String(init?.body).includes('createCustomer'))
      sent.push(JSON.parse(init.body).extensions.idempotencyKey);
    return fetch(target, init);
  };
  const tabs = [1, 2].map(() =>
    connectAsAdmin(line.url, { name: 'queue', queue: fileStore(file), fetch: counting }),
  );
  for (const tab of tabs) tab.outbox.onSettled((it) => settled.push(it));
  const later = tabs[1].mutate(
    { query: create, variables: { input: inputOf(6) } },
    { queue: true },
  );
  await until('six that wait', () =>
    tabs.every(({ state }) => state.waiting === 6 && state.status === 'offline'),
  );
  sent.length = 0;
  // What is done first is done without an answer, twice.
  line.mode.lostAnswers = 2;
  await line.rise();
  line.mode.cuts = true;
  const { data } = await later;
  check('the answer reaches who queued it', data.done.customer.name === inputOf(6).name, data);
  await until('empty queues', () => tabs.every(({ state }) => state.waiting === 0));
  const search =
    '($search: String) { customers(first: 100, filter: { search: $search }) { nodes { name createdAt } } }';
  const found = await post(base, `query ${search}`, { search: `Queued ${run}` });
  const nodes = found.data.customers.nodes.toSorted((a, b) =>
    a.createdAt.localeCompare(b.createdAt),
  );
  const names = nodes.map(({ name }) => name);
  check(
    'each was done once, in order',
    names.join() === [1, 2, 3, 4, 5, 6].map((n) => inputOf(n).name).join(),
    names,
  );
  check(
    'each was reported once',
    new Set(settled.map(({ id }) => id)).size === 6 && settled.length === 6,
    settled,
  );
  check(
    'and none sent by both tabs',
    new Set(sent).size === 6 &&
      sent.every((id, i) => i === 0 || sent[i - 1] === id || !sent.slice(0, i).includes(id)),
    sent,
  );
  for (const tab of tabs) tab.dispose();
  await rm(directory, { recursive: true });
}
