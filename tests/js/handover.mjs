// From a page to a subscription: what a page of customers shows, and what `after:` its cursor
// delivers, must together be everything, while others write before, during and between the two.
import { changes, cursorOf, Ledger, newCustomer, post, write } from './customers.mjs';
import { program, until } from './program.mjs';
import { collect, connect } from './sockets.mjs';

const rounds = 20;
const customersPerRound = 12;

const page = `query ($search: String) {
  customers(first: 100, filter: { search: $search }) { nodes { id version } }
}`;

await program(async (base, check) => {
  const { client } = connect(base);
  let shown = 0;
  let delivered = 0;
  for (let round = 1; round <= rounds; round++) {
    const result = await handOver(base, client, `handover${round}`);
    if (result.faults.length) check(`round ${round}: nothing is missing`, false, result.faults);
    shown += result.shown;
    delivered += result.delivered;
  }
  check(`${rounds} pages handed over to subscriptions, nothing missing or doubled`);
  check(
    `pages showed ${shown} customers and subscriptions delivered ${delivered} events`,
    shown > 0 && delivered > 0,
  );
});

async function handOver(base, client, label) {
  const ledger = new Ledger();
  const search = newCustomer(label).name.replace(/-\d+$/, '');
  const writers = Array.from({ length: customersPerRound }, () => writeOne(base, ledger, label));
  // The page is read while the writers run; its place among the writes differs from round to round.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
  const result = await post(base, page, { search });
  const versions = new Map(result.data.customers.nodes.map(({ id, version }) => [id, version]));
  await Promise.all(writers);

  const subscription = collect(client, changes, { after: cursorOf(result) }, ({ data }) =>
    ledger.receive(data.customerChanged),
  );
  const shownAt = (id) => versions.get(id) ?? 0;
  // Events come in order: once one written last has come, whatever was doubled has come too.
  const last = await write(base, 'create', newCustomer(label));
  await until('the last event', () => subscription.error || ledger.received.has(last.id));
  subscription.stop();
  if (subscription.error)
    throw new Error(`the subscription ended: ${JSON.stringify(subscription.error)}`);
  return {
    faults: ledger.faults(shownAt),
    shown: versions.size,
    delivered: ledger.countReceived(),
  };
}

async function writeOne(base, ledger, label) {
  const { id, version } = await write(base, 'create', newCustomer(label));
  ledger.wrote({ id, version });
  for (let i = 0; i < 3; i++)
    ledger.wrote(await write(base, 'update', { id, phone: `+4930${i}000000` }));
}
