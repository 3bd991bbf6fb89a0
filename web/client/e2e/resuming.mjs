// Lines that are cut at random under writes: by every way to subscribe, over sockets and event streams, 0 lost and 0 doubled.
import { program, until } from '../../../tests/js/program.mjs';
import { connectAsAdmin } from './gateway.mjs';
import { lasting, ledgers, settle, writeUntil } from './ledgers.mjs';
import { proxy } from './proxy.mjs';
import { subscribers } from './subscribers.mjs';

const leastMs = 8_000;

await program(async (base, check) => {
  const transports = ['websocket', 'event-stream'];
  const names = transports.flatMap((transport) =>
    Object.keys(subscribers).map((name) => `${name}/${transport}`),
  );
  const books = ledgers(names);
  const lines = [];
  for (const name of names) {
    const [subscriber, transport] = name.split('/');
    const line = await proxy(base);
    const client = connectAsAdmin(line.url, { transport });
    const ledger = books.byName[name];
    const stop = subscribers[subscriber](
      client,
      ({ data }) => ledger.receive(data.customerChanged),
      (error) => {
        ledger.failure = error;
      },
    );
    lines.push({ name, line, client, stop });
  }
  await until('every line', () => lines.every(({ client }) => client.state.status === 'live'));
  for (const { line } of lines) line.mode.cuts = true;
  const isCut = ({ line }) => line.seen.cuts >= 5;
  const isOver = lasting(leastMs, () => lines.every(isCut));
  const writes = await writeUntil(base, books.wrote, isOver);
  for (const { line } of lines) line.mode.cuts = false;
  await settle(base, books, writes, check);
  for (const line of lines)
    check(`${line.name}: ${line.line.seen.cuts} cuts`, isCut(line), line.line.seen);
  await until('all to be live', () => lines.every(({ client }) => client.state.status === 'live'));
  check('and all are live again');
  for (const { client, stop } of lines) {
    stop();
    client.dispose();
  }
});
