// A subscription whose connection is cut again and again under writes over HTTP, and which each
// time resumes after the last cursor it received: a part of ws-client.mjs.
import { changes, currentCursor, cursorOf, Ledger, newCustomer, write } from './customers.mjs';
import { show, until } from './program.mjs';
import { collect, connect } from './sockets.mjs';

const cuts = 6;
const writesBetweenCuts = 40;
const writers = 4;

export async function reconnects(base, check) {
  const ledger = new Ledger();
  const variables = { after: await currentCursor(base) };
  const { client, seen } = connect(base, { retryAttempts: 100, retryWait: async () => {} });
  const subscription = collect(client, changes, variables, (result) => {
    variables.after = cursorOf(result);
    ledger.receive(result.data.customerChanged);
  });
  await until('the first connection', () => seen.connects === 1);
  const mutations = await writeWhile(base, ledger, async (count) => {
    for (let cut = 1; cut <= cuts; cut++) {
      await until('more writes', () => count() >= cut * writesBetweenCuts || subscription.error);
      seen.socket.terminate();
      await until('a reconnect', () => seen.connects > cut || subscription.error);
    }
    await until('the last writes', () => count() >= (cuts + 1) * writesBetweenCuts);
  });
  // Events come in order: once one written last has come, whatever was doubled has come too.
  const last = await write(base, 'create', newCustomer('last'));
  await until('the last event', () => ledger.received.has(last.id) || subscription.error);
  if (subscription.error) throw new Error(`the subscription ended: ${show(subscription.error)}`);
  check(
    `${mutations} mutations went on over ${seen.connects - 1} reconnects`,
    mutations >= 200 && seen.connects > 5,
  );
  const faults = ledger.faults();
  check('no event was lost, doubled or reordered', faults.length === 0, faults);
  check(
    `${mutations} mutations gave ${ledger.countReceived()} events`,
    ledger.countReceived() === mutations,
  );
  subscription.stop();
}

/** Creates and updates customers from several writers until `body` is done; gives their number. */
async function writeWhile(base, ledger, body) {
  let count = 0;
  let isOver = false;
  const writer = async () => {
    while (!isOver) {
      const { id, version } = await write(base, 'create', newCustomer('cut'));
      ledger.wrote({ id, version });
      count += 1;
      for (let i = 0; i < 4 && !isOver; i++) {
        ledger.wrote(await write(base, 'update', { id, name: `Cut ${i}` }));
        count += 1;
      }
    }
  };
  const running = Promise.all(Array.from({ length: writers }, writer));
  await Promise.race([body(() => count), running]);
  isOver = true;
  await running;
  return count;
}
