// Access tokens and the graphql-ws client, on a gateway whose access tokens live for a few seconds:
// a subscription whose token is renewed by ping payloads goes on, one whose token is not ends with a
// typed error, and a token that is refused is not tried again and again.
import { changes, currentCursor, cursorOf, newCustomer, write } from './customers.mjs';
import { refresh, register, signInAsAdmin } from './people.mjs';
import { program, until } from './program.mjs';
import { ask, collect, connect } from './sockets.mjs';

await program(async (base, check) => {
  await renewed(base, check);
  await expired(base, check);
  await resumed(base, check);
  await anotherUser(base, check);
  await refused(base, check);
  await anonymous(base, check);
});

/** Three tokens, one socket, no event lost. */
async function renewed(base, check) {
  let session = await signInAsAdmin(base);
  const { client, seen } = connect(base, {
    connectionParams: () => ({ authorization: session.authorization }),
  });
  const subscription = collect(client, changes, { after: await currentCursor(base) });
  const names = () => subscription.results.map((r) => r.data.customerChanged.customer.name);
  for (const label of ['first', 'second', 'third']) {
    const ending = endOf(session);
    const input = newCustomer(label);
    await write(base, 'create', input);
    await until(`an event under the ${label} token`, () => names().includes(input.name));
    // The next token must outlive this one by more than the wait for its end.
    await until('time to renew', () => Date.now() > ending - 3000);
    session = await refresh(base, session);
    seen.socket.send(ping(session.authorization));
    await passed(ending);
    check(`the ${label} token is over, and the subscription is not`, !subscription.error, subscription.error);
  }
  check('all on one socket', seen.connects === 1 && !seen.closed.length, seen.closed);
  check('each event came once', new Set(names()).size === 3 && names().length === 3, names());
  subscription.stop();
}

/** Without a renewal what runs ends, and what is begun later is refused, until there is one. */
async function expired(base, check) {
  const session = await signInAsAdmin(base);
  const { client, seen } = connect(base, {
    connectionParams: { authorization: session.authorization },
    lazyCloseTimeout: 60_000,
  });
  const subscription = collect(client, changes, { after: await currentCursor(base) });
  await until('the end of the subscription', () => subscription.error);
  check('it does not end before its token', Date.now() >= endOf(session));
  expectExpired(subscription.error, 'an expired token ends the subscription', check);
  const again = collect(client, changes, {});
  await until('a refusal', () => again.error);
  expectExpired(again.error, 'and begins no other', check);
  check('the socket stays', seen.connects === 1 && !seen.closed.length, seen.closed);
  seen.socket.send(ping((await refresh(base, session)).authorization));
  const { data } = await ask(client, '{ me { id } }');
  check('until the token is renewed on it', data.me.id === session.id && seen.connects === 1, data);
  await client.dispose();
}

function expectExpired(error, what, check) {
  const { code, reason } = error[0]?.extensions ?? {};
  check(what, code === 'UNAUTHENTICATED' && reason === 'EXPIRED', error);
}

/** What was missed between the end of one token and the next comes after the last cursor. */
async function resumed(base, check) {
  let session = await signInAsAdmin(base);
  const { client } = connect(base, {
    connectionParams: () => ({ authorization: session.authorization }),
  });
  const variables = { after: await currentCursor(base) };
  const ended = collect(client, changes, variables, (result) => {
    variables.after = cursorOf(result);
  });
  const inputs = ['before', 'meanwhile'].map(newCustomer);
  await write(base, 'create', inputs[0]);
  await until('the end of the subscription', () => ended.error);
  await write(base, 'create', inputs[1]);
  session = await refresh(base, session);
  const resumed = collect(client, changes, variables);
  await until('what was missed', () => resumed.results.length > 0);
  const names = [...ended.results, ...resumed.results].map((r) => r.data.customerChanged.customer.name);
  check(
    'a subscription begun anew goes on behind the last cursor',
    names.join() === inputs.map(({ name }) => name).join(),
    names,
  );
  resumed.stop();
}

/** A socket belongs to one user. */
async function anotherUser(base, check) {
  const [admin, other] = [await signInAsAdmin(base), await register(base, 'Other')];
  const { client, seen } = connect(base, {
    connectionParams: { authorization: admin.authorization },
  });
  const subscription = collect(client, changes, { after: await currentCursor(base) });
  await until('a connection', () => seen.socket);
  seen.socket.send(ping(other.authorization));
  await until('the end of the socket', () => seen.closed.length > 0);
  check('another user’s token closes the socket with 4403', seen.closed[0] === 4403, seen.closed);
  await until('the end of the subscription', () => subscription.error);
  check('which the subscription learns', subscription.error.code === 4403, subscription.error);
}

/** graphql-ws tries again after a 4403 unless it is told not to, as it is here. */
async function refused(base, check) {
  let connectings = 0;
  const { client, seen } = connect(base, {
    connectionParams: () => {
      connectings += 1;
      return { authorization: 'Bearer not.a.token' };
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: async () => {},
    shouldRetry: (cause) => cause.code !== 4403,
  });
  const subscription = collect(client, changes, {});
  await until('a refusal', () => subscription.error);
  check('a bad token closes the socket with 4403', subscription.error.code === 4403, seen.closed);
  // The client would have come back at once.
  await new Promise((resolve) => setTimeout(resolve, 500));
  check('and is not tried again', connectings === 1 && seen.connects === 0, connectings);
}

async function anonymous(base, check) {
  const { client, seen } = connect(base, { connectionParams: undefined, lazyCloseTimeout: 60_000 });
  const { data } = await ask(client, '{ me { id } }');
  check('without a token a socket is nobody’s', data.me === null, data);
  const subscription = collect(client, changes, {});
  await until('a refusal', () => subscription.error);
  const { code, reason } = subscription.error[0]?.extensions ?? {};
  check(
    'and customers are not for nobody',
    code === 'UNAUTHENTICATED' && reason === 'MISSING',
    subscription.error,
  );
  check('which the socket survives', seen.connects === 1 && !seen.closed.length, seen.closed);
  await client.dispose();
}

function ping(authorization) {
  return JSON.stringify({ type: 'ping', payload: { authorization } });
}

function endOf({ accessTokenExpiresAt }) {
  return Date.parse(accessTokenExpiresAt);
}

function passed(timeMs) {
  return until('the end of the token', () => Date.now() > timeMs + 300);
}
