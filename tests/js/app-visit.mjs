// A first visit: the demonstration runs by itself, its line is cut and goes on without loss, and one click leads inside.
import { launch } from './chromium.mjs';
import { visit } from './app.mjs';
import { program, until } from './program.mjs';

const run = Math.random().toString(36).slice(2, 8);
const visitor = `A visitor was here ${run}`;
const [away, lineless] = [`Written while she was away ${run}`, `Written without a line ${run}`];

await program(async (base, check) => {
  const browser = await launch();
  const { page, seen } = await visit(browser, base);
  await page.goto(base);
  const stage = page.getByLabel('Live demonstration');
  await stage.waitFor();
  const [ada, grace] = ['Ada', 'Grace'].map((name) => page.getByLabel(new RegExp(`^What ${name}`)));
  const live = (side) => side.getByText('Live', { exact: true }).waitFor();
  await Promise.all([live(ada), live(grace)]);
  const texts = async (side) => (await side.getByRole('log').innerText()).split('\n').filter(Boolean);
  const before = (await texts(grace)).length;
  await until('what they write to each other', async () => (await texts(grace)).length >= before + 2);
  check('two people talk by themselves, each in a session of their own');

  await page.getByLabel('Write as Ada').fill(visitor);
  await page.getByLabel('Write as Ada').press('Enter');
  await grace.getByText(visitor).waitFor();
  check('what a visitor writes comes to the other side');

  await page.getByRole('button', { name: 'Cut Grace’s connection' }).click();
  await grace.getByText(/Offline|Catching up/).waitFor();
  await page.getByLabel('Write as Ada').fill(away);
  await page.getByLabel('Write as Ada').press('Enter');
  await ada.getByText(away).waitFor();
  await page.getByLabel('Write as Grace').fill(lineless);
  await page.getByLabel('Write as Grace').press('Enter');
  check('nothing comes without a line', !(await texts(grace)).join().includes(away));
  check('and nothing goes', !(await texts(ada)).join().includes(lineless));
  await page.getByRole('button', { name: 'Connect Grace again' }).click();
  await grace.getByText(away).waitFor();
  await ada.getByText(lineless).waitFor();
  const told = await until('the ledger', async () => {
    const text = await stage.getByRole('status').innerText();
    return /Caught up on/.test(text) && text;
  });
  const [, caughtUp, missed, doubled] = /on (\d+) events?\.[\s\S]*?(\d+) missed, (\d+) twice/.exec(told) ?? [];
  check(`caught up: ${told}`, Number(caughtUp) > 0 && missed === '0' && doubled === '0', told);
  const once = await until('both sides to show the same', async () => {
    const [left, right] = [await texts(ada), await texts(grace)];
    return left.join() === right.join() && left;
  });
  check('each message is there once', once.filter((text) => text.includes(away)).length === 1, once);

  for (const [name, path] of [['GraphiQL', '/graphiql'], ['Schema', '/schema.graphql'], ['Health', '/health/ready']]) {
    const href = await page.getByRole('link', { name, exact: true }).getAttribute('href');
    check(`there is a link to ${path}`, href === path, href);
  }
  await page.getByRole('link', { name: 'Look around' }).click();
  await page.getByRole('button', { name: /^Alan/ }).click();
  await page.getByRole('button', { name: 'Account of Alan Turing' }).first().waitFor();
  const links = await page.getByRole('navigation', { name: 'Pages' }).first().getByRole('link').allInnerTexts();
  // A count of what is unread may follow the name.
  const places = links.map((text) => text.split('\n')[0]);
  check('a member sees what is for members', places.includes('Chats') && !places.includes('Customers'), places);
  await page.goto(`${base}/customers`);
  await page.getByRole('heading', { name: 'This page is for staff' }).waitFor();
  check('and is told what is not');
  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await page.waitForURL(`${base}/users`);
  await page.getByRole('link', { name: /Grace/ }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('grac');
  await page.waitForURL(/search=grac/);
  check('keys lead to pages, and to the search of a page');
  await page.reload();
  await page.getByRole('link', { name: /Grace/ }).waitFor();
  check('a reload keeps the session, and what the list was filtered by', (await page.getByRole('row').count()) === 2);
  check('nothing failed', seen.errors.length === 0, seen.errors);
  check('nothing came from elsewhere', seen.foreign.length === 0, seen.foreign);
  await browser.close();
});
