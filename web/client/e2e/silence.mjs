// Lines on which nothing comes any more, though nobody closes them: the client finds out by itself, makes another line, and
// resumes.
import { newCustomer, write } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { connectAsAdmin } from './gateway.mjs';
import { proxy } from './proxy.mjs';
import { changes } from './subscribers.mjs';

await program(120_000, async (base, check) => {
  await Promise.all(
    ['websocket', 'event-stream'].map((transport) => silent(base, check, transport)),
  );
});

async function silent(base, check, transport) {
  const line = await proxy(base);
  const client = connectAsAdmin(line.url, { transport });
  const names = [];
  const sink = {
    next: ({ data }) => names.push(data.customerChanged.customer.name),
    error: (error) => names.push(error.code),
    complete: () => names.push('complete'),
  };
  client.run({ query: changes }, sink);
  await until('a line', () => client.state.status === 'live');
  const inputs = ['heard', 'missed'].map(newCustomer);
  await write(base, 'create', inputs[0]);
  await until('an event', () => names.includes(inputs[0].name));
  line.silence();
  await write(base, 'create', inputs[1]);
  const began = Date.now();
  await until('the other event', () => names.includes(inputs[1].name), 60_000);
  const seconds = Math.round((Date.now() - began) / 1000);
  const isMine = (name) => inputs.some((input) => input.name === name);
  const mine = names.filter(isMine).join();
  check(
    `${transport}: a silent line is given up after ${seconds} s, and resumed`,
    mine === inputs.map(({ name }) => name).join(),
    names,
  );
  client.dispose();
}
