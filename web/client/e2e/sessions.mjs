// Tokens that live for four seconds: subscriptions outlive them over sockets and event streams, tabs exchange each refresh
// token once, and what ends with a session says so.
import { newCustomer, write } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { connect } from './gateway.mjs';
import { ledgers, settle } from './ledgers.mjs';
import { changes } from './subscribers.mjs';

const { SIGN_IN_EMAIL: email, SIGN_IN_PASSWORD: password } = process.env;
const lifetimes = 2;

await program(async (base, check) => {
  await tabs(base, check);
  await ending(base, check);
});

/** Two tabs with sockets, one with event streams: one session, one exchange for each token. */
async function tabs(base, check) {
  const url = `${base}/graphql`;
  const refreshes = [];
  const counting = (target, init) => {
    if (String(init?.body).includes('refresh(')) refreshes.push(init.body);
    return fetch(target, init);
  };
  const names = ['websocket/1', 'websocket/2', 'event-stream/3'];
  const books = ledgers(names);
  const tabs = names.map((name) =>
    connect(url, { name: 'tabs', transport: name.split('/')[0], fetch: counting }),
  );
  await tabs[0].signIn({ email, password });
  tabs.forEach((tab, i) => {
    const ledger = books.byName[names[i]];
    const fail = (error) => {
      ledger.failure = error;
    };
    tab.run(
      { query: changes },
      { next: ({ data }) => ledger.receive(data.customerChanged), error: fail, complete: fail },
    );
  });
  await until('three lines', () => tabs.every(({ state }) => state.status === 'live'));
  const began = Date.now();
  let writes = 0;
  // Some tokens end meanwhile, and on a slow machine are exchanged later.
  while (Date.now() - began < lifetimes * 4_000 || refreshes.length < lifetimes) {
    books.wrote(await write(base, 'create', newCustomer('token')));
    writes += 1;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await settle(base, books, writes, check);
  const exchanged = new Set(refreshes);
  check(
    `${refreshes.length} exchanges, each of another token`,
    refreshes.length >= lifetimes && exchanged.size === refreshes.length,
    refreshes,
  );
  check(
    'as many as one tab would have made',
    refreshes.length <= (Date.now() - began) / 2_000,
    refreshes.length,
  );
  check(
    'all tabs know who is signed in',
    new Set(tabs.map(({ userId }) => userId)).size === 1 && tabs[0].userId,
  );
  const { data } = await tabs[2].query({ query: '{ me { id } }' });
  check('and ask as them', data.me.id === tabs[0].userId, data);
  for (const tab of tabs) tab.dispose();
}

async function ending(base, check) {
  for (const transport of ['websocket', 'event-stream']) {
    const client = connect(`${base}/graphql`, { transport });
    await client.signIn({ email, password });
    let failure;
    client.run(
      { query: changes },
      {
        next: () => {},
        error: (error) => {
          failure = error;
        },
        complete: () => {},
      },
    );
    await until('a line', () => client.state.status === 'live');
    await client.signOut();
    await until('the end', () => failure);
    check(
      `${transport}: signing out ends a subscription with a typed error`,
      failure.code === 'UNAUTHENTICATED',
      failure,
    );
    const anonymous = await client.query({ query: '{ me { id } }' });
    check(`${transport}: and what is asked then is asked by nobody`, anonymous.data.me === null);
    client.dispose();
  }
}
