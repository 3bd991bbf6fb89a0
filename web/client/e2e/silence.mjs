// Lines on which nothing comes any more, though nobody closes them: the client finds out by itself, makes another line, and
// resumes. And users whom an administrator disconnects: they come back later, or not at all.
import { newCustomer, write } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { connect, connectAsAdmin } from './gateway.mjs';
import { proxy } from './proxy.mjs';
import { changes } from './subscribers.mjs';

await program(async (base, check) => {
  await Promise.all([
    silent(base, check, 'websocket'),
    silent(base, check, 'event-stream'),
    disconnected(base, check, false),
    disconnected(base, check, true),
  ]);
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
  await until('the other event', () => names.includes(inputs[1].name));
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

async function disconnected(base, check, endSessions) {
  const guest = connect(`${base}/graphql`, { transport: 'websocket' });
  const run = Math.random().toString(36).slice(2, 8);
  const userId = await guest.register({
    name: `Guest ${run}`,
    email: `guest.${run}@example.com`,
    password: `the password of ${run}`,
  });
  const seen = [];
  const query = 'subscription ($after: String) { postFeed(after: $after) { post { message } } }';
  const sink = {
    next: ({ data }) => seen.push(data.postFeed.post.message),
    error: (error) => seen.push(error.code),
    complete: () => seen.push('complete'),
  };
  guest.run({ query }, sink);
  await until('a line', () => guest.state.status === 'live');
  const admin = connectAsAdmin(`${base}/graphql`);
  const disconnect =
    'mutation ($input: DisconnectUserInput!) { disconnectUser(input: $input) { __typename } }';
  await admin.mutate({ query: disconnect, variables: { input: { id: userId, endSessions } } });
  const began = Date.now();
  await until('the loss', () => guest.state.status !== 'live');
  const publish =
    'mutation ($input: CreatePostInput!) { createPost(input: $input) { post { id } } }';
  const message = `While ${run} was away`;
  await admin.mutate({ query: publish, variables: { input: { message } } });
  await until('an end', () => seen.includes(message) || seen.includes('UNAUTHENTICATED'));
  const seconds = Math.round((Date.now() - began) / 1000);
  if (endSessions) {
    check(
      'a user whose sessions were ended does not come back',
      seen.join() === 'UNAUTHENTICATED',
      seen,
    );
    check('and is not signed in any more', guest.userId === undefined, guest.userId);
  } else {
    const isOnce =
      seen.filter((it) => it === message).length === 1 && !seen.includes('UNAUTHENTICATED');
    check(
      `a user who was disconnected comes back after ${seconds} s, and resumes`,
      isOnce && seconds >= 10,
      seen,
    );
  }
  guest.dispose();
  admin.dispose();
}
