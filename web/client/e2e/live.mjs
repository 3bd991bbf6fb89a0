// Live queries with patches over lines that are cut at random, by each way to watch them: no answer is older than one before,
// and the last one is what the query answers.
import * as apollo4 from '@apollo/client/core';
import { millraceLink } from '@millrace/client/apollo';
import { millraceNetwork } from '@millrace/client/relay';
import { millraceExchange } from '@millrace/client/urql';
import { Client as UrqlClient } from '@urql/core';
import { newCustomer, write } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { connectAsAdmin } from './gateway.mjs';
import { lasting } from './ledgers.mjs';
import { proxy } from './proxy.mjs';

const fields = 'customers(first: 50, filter: { search: $search }) { nodes { id name version } }';
const live = `query Watch($search: String) @live(patch: true) { ${fields} }`;
const leastMs = 6_000;

/** Each calls with the data of each answer, until it is stopped. */
const watchers = {
  callbacks: (client, variables, next, fail) => {
    const sink = { next: ({ data }) => next(data), error: fail, complete: fail };
    return client.run({ query: live, variables }, sink);
  },
  apollo4: (client, variables, next, fail) => {
    const { ApolloClient, InMemoryCache, gql } = apollo4;
    const apollo = new ApolloClient({ cache: new InMemoryCache(), link: millraceLink(client) });
    const watching = apollo.watchQuery({ query: gql(live), variables });
    const subscription = watching.subscribe({
      next: ({ data, dataState }) => dataState === 'complete' && next(data),
      error: fail,
    });
    return () => subscription.unsubscribe();
  },
  urql: (client, variables, next, fail) => {
    const exchanges = [millraceExchange(client)];
    const urql = new UrqlClient({ url: 'unused', preferGetMethod: false, exchanges });
    const { unsubscribe } = urql
      .query(live, variables)
      .subscribe(({ data, error }) => (error ? fail(error) : next(data)));
    return unsubscribe;
  },
  relay: (client, variables, next, fail) => {
    const network = millraceNetwork(client);
    const params = {
      name: 'Watch',
      text: live,
      id: null,
      cacheID: 'w',
      operationKind: 'query',
      metadata: {},
    };
    const sink = { next: ({ data }) => next(data), error: fail, complete: fail };
    const subscription = network.execute(params, variables, { force: true }).subscribe(sink);
    return () => subscription.unsubscribe();
  },
};

await program(async (base, check) => {
  const search = newCustomer('live').name;
  const variables = { search };
  const customers = [];
  const add = async () => {
    const input = { ...newCustomer('live'), name: `${search} ${customers.length}` };
    customers.push(await write(base, 'create', input));
  };
  await add();
  const names = Object.keys(watchers).flatMap((name) => [
    `${name}/websocket`,
    `${name}/event-stream`,
  ]);
  const watching = await Promise.all(
    names.map(async (name) => {
      const [watcher, transport] = name.split('/');
      const line = await proxy(base);
      const client = connectAsAdmin(line.url, { transport });
      const seen = {
        name,
        line,
        client,
        answers: 0,
        versions: new Map(),
        faults: [],
        last: undefined,
      };
      const next = (data) => {
        seen.answers += 1;
        seen.last = data;
        const { nodes } = data.customers;
        if (nodes.length < seen.versions.size)
          seen.faults.push(`${nodes.length} of ${seen.versions.size}`);
        for (const { id, version } of nodes) {
          if (version < (seen.versions.get(id) ?? 0)) seen.faults.push(`${id}: back to ${version}`);
          seen.versions.set(id, version);
        }
      };
      const fail = (error) => seen.faults.push(error ?? 'complete');
      seen.stop = watchers[watcher](client, variables, next, fail);
      return seen;
    }),
  );
  await until('the first answers', () => watching.every(({ answers }) => answers > 0));
  for (const { line } of watching) line.mode.cuts = true;
  const isCut = ({ line, answers }) => line.seen.cuts >= 3 && answers >= 5;
  const isOver = lasting(leastMs, () => watching.every(isCut));
  while (!isOver()) {
    if (customers.length < 30 && Math.random() < 0.2) await add();
    const { id } = customers[Math.floor(Math.random() * customers.length)];
    await write(base, 'update', { id, name: `${search} ${Math.random()}` });
  }
  for (const { line } of watching) line.mode.cuts = false;
  const asked = connectAsAdmin(`${base}/graphql`);
  const { data } = await asked.query({ query: `query ($search: String) { ${fields} }`, variables });
  const expected = JSON.stringify(data);
  const bare = (key, value) => (key === '__typename' ? undefined : value);
  const isPresent = ({ last }) => JSON.stringify(last, bare) === expected;
  for (const seen of watching) {
    await until(`the last answer for ${seen.name}`, () => isPresent(seen) || seen.faults.length);
    check(
      `${seen.name}: ${seen.answers} answers, none older than one before`,
      !seen.faults.length,
      seen.faults,
    );
    check(`${seen.name}: over ${seen.line.seen.cuts} cuts`, isCut(seen), seen.line.seen);
    seen.stop();
    seen.client.dispose();
  }
});
