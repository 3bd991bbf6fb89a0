// What goes through the proxy of docker-compose.yml while both gateways behind it are replaced, one after the other: HTTP/2, event streams
// that arrive at once, and writers none of whose requests fail. Says `replace them` when all of it runs, and
// ends when it is told to by SIGTERM.
import { once } from 'node:events';
import http2 from 'node:http2';
import { changes, currentCursor, cursorOf, Ledger, newCustomer, write } from './customers.mjs';
import { adminAuthorization, program, show, until } from './program.mjs';
import { collect, connect } from './sockets.mjs';

const writers = 4;

await program(async (base, check) => {
  await multiplexed(base, check);
  await streamed(base, check);
  const ledger = new Ledger();
  const variables = { after: await currentCursor(base) };
  const { client, seen } = connect(base, { retryAttempts: 100, retryWait: async () => {} });
  const subscription = collect(client, changes, variables, (result) => {
    variables.after = cursorOf(result);
    ledger.receive(result.data.customerChanged);
  });
  await until('the socket', () => seen.connects === 1);
  let isOver = false;
  let mutations = 0;
  const running = Promise.all(
    Array.from({ length: writers }, async () => {
      while (!isOver) {
        ledger.wrote(await write(base, 'create', newCustomer('proxy')));
        mutations += 1;
      }
    }),
  );
  const told = once(process, 'SIGTERM');
  console.log('replace them');
  await Promise.race([told, running]);
  isOver = true;
  await running;
  check(`${mutations} mutations were answered meanwhile`, mutations > 20);
  const last = await write(base, 'create', newCustomer('last'));
  await until('the last event', () => ledger.received.has(last.id) || subscription.error);
  check('the subscription goes on', !subscription.error, show(subscription.error));
  check('its socket was moved to another gateway', seen.connects > 1, seen.closed);
  const faults = ledger.faults();
  check('no event was lost, doubled or reordered', faults.length === 0, faults);
});

async function multiplexed(base, check) {
  const session = http2.connect(base);
  const request = session.request({
    ':method': 'POST',
    ':path': '/graphql',
    'content-type': 'application/json',
    accept: 'application/graphql-response+json',
  });
  request.end('{"query":"{__typename}"}');
  const [headers] = await once(request, 'response');
  check('a query over HTTP/2 and TLS', headers[':status'] === 200, headers);
  check('it is HTTP/2', session.alpnProtocol === 'h2');
  session.close();
}

/** Each kind of stream shows an event while it stays open. */
async function streamed(base, check) {
  for (const accept of ['text/event-stream', 'multipart/mixed;subscriptionSpec="1.0"']) {
    const stop = new AbortController();
    const response = await fetch(`${base}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept, authorization: adminAuthorization },
      body: JSON.stringify({ query: changes, variables: { after: await currentCursor(base) } }),
      signal: stop.signal,
    });
    const { name } = await write(base, 'create', newCustomer('stream'));
    let text = '';
    const read = async () => {
      for await (const bytes of response.body) {
        text += Buffer.from(bytes).toString();
        if (text.includes(name)) return;
      }
    };
    const late = new Promise((resolve) => setTimeout(resolve, 5_000));
    await Promise.race([read(), late]);
    check(`${accept} is not buffered`, text.includes(name), text);
    stop.abort();
  }
}
