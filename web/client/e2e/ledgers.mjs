// Writers of customers, and what subscribers received of them: every event once and in order, or the program fails.
import { Ledger, newCustomer, write } from '../../../tests/js/customers.mjs';
import { show, until } from '../../../tests/js/program.mjs';

/** A ledger for one subscriber; all ledgers of a run hold the same writes. */
export function ledgers(names) {
  const written = new Map();
  const byName = Object.fromEntries(
    names.map((name) => {
      const ledger = new Ledger();
      ledger.written = written;
      ledger.failure = undefined;
      return [name, ledger];
    }),
  );
  return {
    byName,
    all: Object.values(byName),
    wrote: ({ id, version }) => written.set(id, version),
  };
}

/** Tells whether `leastMs` are over and `isEnough()`, or `limitMs` in any case. */
export function lasting(leastMs, isEnough, limitMs = 120_000) {
  const begun = Date.now();
  return () => {
    const ms = Date.now() - begun;
    return ms > leastMs && (isEnough() || ms > limitMs);
  };
}

/** Writes straight to the gateway, past all proxies, until `isOver`. Returns how often. */
export async function writeUntil(base, wrote, isOver, writers = 3) {
  let count = 0;
  const writer = async () => {
    while (!isOver()) {
      const { id, version } = await write(base, 'create', newCustomer('resumed'));
      wrote({ id, version });
      count += 1;
      for (let i = 0; i < 4 && !isOver(); i++) {
        wrote(await write(base, 'update', { id, name: `Resumed ${i}` }));
        count += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return count;
}

/** Waits for an event that was written last, behind which nothing is to come, and checks every ledger. */
export async function settle(base, { byName, wrote }, writes, check) {
  const last = await write(base, 'create', newCustomer('last'));
  wrote(last);
  for (const [name, ledger] of Object.entries(byName)) {
    await until(`the last event for ${name}`, () => ledger.received.has(last.id) || ledger.failure);
    check(`${name}: the subscription goes on`, !ledger.failure, show(ledger.failure));
    const faults = ledger.faults();
    check(`${name}: nothing lost, doubled or reordered`, faults.length === 0, faults);
    check(
      `${name}: ${writes + 1} writes gave as many events`,
      ledger.countReceived() === writes + 1,
      ledger.countReceived(),
    );
  }
}
