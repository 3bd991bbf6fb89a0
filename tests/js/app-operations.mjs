// Operations in the app, as two administrators see them at the same time: the numbers move, a worker that one pauses is an alarm
// for the other, events come and are looked into, a read model is rebuilt, a person is disconnected, and what a worker gave up is
// replayed and discarded. The gateway's workers fail at every `signal_levels`.
import { violations } from './accessibility.mjs';
import { launch, watch } from './chromium.mjs';
import { newCustomer, post, write } from './customers.mjs';
import { register } from './people.mjs';
import { program, soonMs, until } from './program.mjs';
import { connect, collect } from './sockets.mjs';

const pages = ['', '/log', '/workers', '/letters', '/people', '/storage'];

await program(async (base, check) => {
  const submit = 'mutation ($input: SubmitSignalInput!) { submitSignal(input: $input) { signal { id } } }';
  await post(base, submit, { input: { source: 'operations', value: 1 } });
  const browser = await launch();
  const [first, second] = [await enter(browser, base), await enter(browser, base)];
  await numbers(first.page, base, check);
  await pausing(first.page, second.page, base, check);
  await events(first.page, base, check);
  await rebuild(second.page, base, check);
  await disconnect(first.page, base, check);
  await letters(first.page, second.page, base, check);
  for (const { seen } of [first, second]) {
    check('nothing failed in the page', seen.errors.length === 0, seen.errors);
    check('nothing came from elsewhere', seen.foreign.length === 0, seen.foreign);
  }
  await first.context.close();
  await second.context.close();
  for (const [colorScheme, width] of [['light', 1280], ['dark', 360]]) {
    const { context, page } = await enter(browser, base, { colorScheme, viewport: { width, height: 800 } });
    for (const path of pages) await judge(page, base, path, `${colorScheme}, ${width}`, check);
    await context.close();
  }
  await browser.close();
});

async function enter(browser, base, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(soonMs);
  const seen = watch(page, base);
  await page.goto(`${base}/sign-in?next=/operations`);
  await page.getByLabel('Email').fill(process.env.SIGN_IN_EMAIL);
  await page.locator('input[type=password]').fill(process.env.SIGN_IN_PASSWORD);
  await page.locator('input[type=password]').press('Enter');
  await page.waitForURL(`${base}/operations`);
  await page.getByRole('region', { name: 'Events per second' }).waitFor();
  return { context, page, seen };
}

/** Follows a link of the page's own navigation, so that the app goes on. */
async function go(page, label) {
  await page.getByRole('navigation', { name: 'Operations' }).getByRole('link', { name: label }).click();
}

async function numbers(page, base, check) {
  await page.getByRole('region', { name: 'Health' }).getByText('up to date').waitFor();
  check('the health of each part is shown');
  const newest = page.getByRole('region', { name: 'Newest events' });
  await newest.getByRole('link', { name: /SessionStarted/ }).first().waitFor();
  const figure = (name) => page.getByRole('region', { name, exact: true }).locator('[class*=figure]');
  for (let count = 0; count < 20; count += 1) await write(base, 'create', newCustomer('rate'));
  await newest.getByText('CustomerCreated').first().waitFor();
  check('an event elsewhere shows at once');
  await until('the rate', async () => Number.parseFloat(await figure('Events per second').innerText()) > 0);
  const latency = await until('the latency', async () => /^([\d.]+)/.exec(await figure('Commit to this page, p99').innerText())?.[1]);
  check('the number of events a second and the time from commit to the page move', Number(latency) < 5_000, latency);
  check('there are four charts', (await page.locator('.uplot canvas').count()) === 4);
}

async function pausing(first, second, base, check) {
  await go(first, 'Workers');
  await first.getByRole('button', { name: 'Pause posts', exact: true }).click();
  await first.getByRole('button', { name: 'Resume posts', exact: true }).waitFor();
  const alarm = second.getByRole('list', { name: 'Alarms' }).getByRole('listitem').filter({ hasText: 'posts is paused' });
  await alarm.waitFor();
  check('a pause is an alarm for the other');
  await alarm.getByRole('link').click();
  await second.getByRole('button', { name: 'Resume posts', exact: true }).click();
  await first.getByRole('button', { name: 'Pause posts', exact: true }).waitFor();
  check('the alarm leads to where it is ended, and that shows in both');

  // One that is refused is as it was.
  await first.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('PauseWorker')) return route.continue();
    const error = { message: 'not now', path: ['pauseWorker'], extensions: { code: 'CONFLICT' } };
    return route.fulfill({ json: { data: { pauseWorker: null }, errors: [error] } });
  });
  await first.getByRole('button', { name: 'Pause posts_trending' }).click();
  await first.getByText('Not now.').waitFor();
  await first.getByRole('button', { name: 'Pause posts_trending' }).waitFor();
  check('what is refused is taken back and said');
  await first.unroute('**/graphql');
}

async function events(page, base, check) {
  await go(page, 'Event log');
  const table = page.getByRole('table', { name: 'Events' });
  const customer = await write(base, 'create', newCustomer('seen'));
  const link = table.getByRole('row').filter({ hasText: customer.id }).getByRole('link');
  await link.first().waitFor();
  check('the log is live');
  await page.getByRole('button', { name: 'Hold' }).click();
  const name = `Changed ${Date.now()}`;
  await write(base, 'update', { id: customer.id, name });
  await page.getByRole('button', { name: /^\d+ new$/ }).waitFor();
  check('what comes while it is held waits', (await table.getByText('CustomerUpdated').count()) === 0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await table.getByRole('row').filter({ hasText: customer.id }).getByRole('link', { name: 'CustomerUpdated' }).click();
  const pane = page.getByRole('complementary', { name: 'Details' });
  await pane.locator('ins').getByText(name).waitFor();
  check('an event shows what was before and after', (await pane.locator('del').allInnerTexts()).includes(customer.name));
  await page.reload();
  await pane.locator('ins').getByText(name).waitFor();
  check('it has an address of its own');
  await pane.getByRole('link', { name: 'All its events' }).click();
  await table.getByRole('row').nth(2).waitFor();
  await until('the events of the stream alone', async () => (await table.getByRole('row').count()) === 3);
  check('the filter is in the address', page.url().includes(`stream=${customer.id}`), page.url());
  await page.goto(`${base}/operations/log?type=WorkerPaused,WorkerResumed`);
  await table.getByRole('link', { name: 'WorkerResumed' }).first().waitFor();
  const types = await table.getByRole('link').allInnerTexts();
  check('types are filtered', types.length > 0 && types.every((it) => /^Worker/.test(it)), types);
}

async function rebuild(page, base, check) {
  await page.getByRole('button', { name: 'Rebuild posts', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rebuild' }).click();
  const row = page.getByRole('region', { name: 'Read models' }).getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'posts', exact: true }) });
  await until('the end of the rebuild', async () => /events in[^]*none/.test(await row.innerText()));
  check('a rebuild is done, and its differences are told');
}

/** Their socket closes, and whoever disconnected them is told. */
async function disconnect(page, base, check) {
  const person = await register(base, 'Leaving');
  const { client, seen } = connect(base, { connectionParams: { authorization: person.authorization }, shouldRetry: () => false });
  collect(client, 'subscription { postFeed { type } }', {}, () => {});
  await until('a socket', () => seen.connects > 0);
  await go(page, 'Connections');
  await page.getByLabel('Search by name').fill(person.name);
  await page.getByText('1 in all').waitFor();
  const sockets = page.getByRole('table', { name: 'People and their connections' }).getByRole('button', { name: '1', exact: true });
  await sockets.waitFor();
  await sockets.hover();
  await page.getByRole('tooltip').filter({ hasText: /^1 at .+:\d+ since / }).waitFor();
  check('how many sockets a person has is shown, and where when one asks');
  await page.getByRole('button', { name: `Actions for ${person.name}` }).click();
  await page.getByRole('menuitem', { name: 'Disconnect' }).click();
  await page.getByText(`The sockets of ${person.name} are closed`).waitFor();
  await until('the end of the socket', () => seen.closed.includes(4410));
  check('a person is disconnected');
  await sockets.waitFor({ state: 'detached' });
  check('and has no socket any more');
  await page.getByRole('link', { name: 'Who came and went' }).click();
  await page.getByRole('link', { name: 'UserSocketsClosed' }).first().waitFor();
  check('and the log says so');
}

async function letters(first, second, base, check) {
  await go(second, 'Overview');
  const alarm = second.getByRole('list', { name: 'Alarms' }).getByRole('listitem').filter({ hasText: 'signal_levels gave up' });
  await alarm.waitFor();
  await go(first, 'Dead letters');
  const letter = first.getByRole('table', { name: 'Dead letters' }).getByRole('link');
  await letter.first().waitFor();
  await alarm.getByRole('link').click();
  await second.getByRole('table', { name: 'Dead letters' }).getByRole('link').first().click();
  const pane = second.getByRole('complementary', { name: 'Details' });
  await pane.getByText('a fault was injected').first().waitFor();
  await second.reload();
  await pane.getByText('a fault was injected').first().waitFor();
  check('what was given up is an alarm, and is shown with its errors');
  await pane.getByRole('button', { name: 'Discard…' }).click();
  await second.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await second.getByText('1 discarded').waitFor();
  await first.getByText('Nothing was given up').waitFor();
  check('and is discarded, for both');
}

async function judge(page, base, path, where, check) {
  await page.goto(`${base}/operations${path}`);
  await page.getByRole('navigation', { name: 'Operations' }).waitFor();
  await until('the content', async () => (await page.locator('[aria-hidden] .mantine-Skeleton-root').count()) === 0);
  const found = (await violations(page)).map(({ id, nodes }) => [id, nodes[0].html.slice(0, 200)]);
  check(`operations${path} is accessible (${where})`, found.length === 0, found);
  const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  check(`operations${path} is no wider than its window (${where})`, !isTooWide);
}
