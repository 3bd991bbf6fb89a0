// Two tabs of a real browser: one session, whose tokens one of them exchanges; and one queue, which the tab that is left sends
// when the network is back.
import { launch } from '../../../tests/js/chromium.mjs';
import { post } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';
import { site } from './site.mjs';

const { SIGN_IN_EMAIL: email, SIGN_IN_PASSWORD: password } = process.env;
const run = Math.random().toString(36).slice(2, 8);
const lifetimeMs = 4_000;
const lifetimes = 2;

await program(async (base, check) => {
  const { url, sent } = await site(base);
  const browser = await launch();
  const context = await browser.newContext();
  const open = async () => {
    const page = await context.newPage();
    page.on('pageerror', (error) => console.log(`in the page: ${error}`));
    await page.goto(url);
    await page.waitForFunction(() => globalThis.millrace);
    await page.evaluate(() => {
      const query =
        'subscription ($after: String) { customerChanged(after: $after) { customer { name } } }';
      globalThis.names = [];
      globalThis.client = globalThis.millrace.createClient({ url: `${location.origin}/graphql` });
      globalThis.listen = () =>
        globalThis.client.run(
          { query },
          {
            next: ({ data }) => globalThis.names.push(data.customerChanged.customer.name),
            error: (error) => globalThis.names.push(`failed: ${error.code}`),
            complete: () => globalThis.names.push('complete'),
          },
        );
    });
    return page;
  };
  const first = await open();
  await first.evaluate((input) => globalThis.client.signIn(input), { email, password });
  const second = await open();
  const asked = await second.evaluate(() => globalThis.client.query({ query: '{ me { id } }' }));
  check('a tab that opens later finds the session', asked.data.me?.id, asked);
  const tabs = [first, second];
  const states = () => Promise.all(tabs.map((tab) => tab.evaluate(() => globalThis.client.state)));
  for (const tab of tabs) await tab.evaluate(() => void globalThis.listen());
  await until('two sockets', async () =>
    (await states()).every((it) => it.status === 'live' && it.transport === 'websocket'),
  );

  const began = Date.now();
  const written = [];
  const exchanges = () => sent.filter((body) => body.includes('refresh('));
  // Some tokens end meanwhile, and on a slow machine are exchanged later.
  while (Date.now() - began < lifetimes * lifetimeMs || exchanges().length < lifetimes) {
    written.push(await create(base, `Tab ${run} ${written.length}`));
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const refreshes = exchanges();
  const isOnce = new Set(refreshes).size === refreshes.length && refreshes.length >= lifetimes;
  check(`${refreshes.length} tokens were exchanged once each`, isOnce, refreshes);
  for (const tab of tabs) {
    const names = () => tab.evaluate(() => globalThis.names);
    await until('the last event', async () => (await names()).includes(written.at(-1)));
    check('a tab has every event once', (await names()).join() === written.join(), await names());
  }

  await context.setOffline(true);
  const queued = [0, 1, 2, 3].map((n) => `Queued ${run} ${n}`);
  for (const [n, name] of queued.entries()) await tabs[n % 2].evaluate(queue, inputOf(name));
  await until('four that wait', async () =>
    (await states()).every((it) => it.status === 'offline' && it.waiting === 4),
  );
  check('both tabs are offline, and know what waits');
  await tabs.shift().close();
  await context.setOffline(false);
  await until('an empty queue', async () => (await states())[0].waiting === 0);
  const search =
    '($search: String) { customers(first: 9, filter: { search: $search }) { nodes { name createdAt } } }';
  const { data } = await post(base, `query ${search}`, { search: `Queued ${run}` });
  const nodes = data.customers.nodes.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  const names = nodes.map(({ name }) => name);
  check('the tab that is left sent them, in order and once', names.join() === queued.join(), names);
  const seen = () => second.evaluate(() => globalThis.names);
  await until('their events', async () => (await seen()).length >= written.length + queued.length);
  check('and resumed', (await seen()).join() === [...written, ...queued].join(), await seen());
  await browser.close();
});

function queue(input) {
  const query =
    'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }';
  // It is answered when the network is back; this tab may be closed by then.
  globalThis.client.mutate({ query, variables: { input } }, { queue: true }).catch(() => {});
}

function inputOf(name) {
  return { name, email: `${name.replaceAll(' ', '.')}@example.com` };
}

async function create(base, name) {
  const query =
    'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { name } } }';
  const { data } = await post(base, query, { input: inputOf(name) });
  return data.createCustomer.customer.name;
}
