// Pictures of the app for the documentation, of a gateway with demo data: each page on a desktop in both schemes and on a phone.
// `node screenshots.mjs BASE FOLDER [NAME…]`, with the administrator's password in SIGN_IN_PASSWORD; with names, such as
// `chat-phone`, only those. Nobody but the people of the demo data is in a picture, and the administrator.
import { mkdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { enterAs } from './app.mjs';
import { launch } from './chromium.mjs';
import { execute, openExample } from './page.mjs';
import { soonMs, until } from './program.mjs';

const [base, folder, ...wanted] = process.argv.slice(2);
const password = process.env.SIGN_IN_PASSWORD;
if (!base || !folder || !password) {
  console.error('usage: SIGN_IN_PASSWORD=… node screenshots.mjs http://127.0.0.1:8080 FOLDER [NAME…]');
  process.exit(2);
}

const desktop = { viewport: { width: 1280, height: 760 } };
const looks = {
  light: { ...desktop, colorScheme: 'light' },
  dark: { ...desktop, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, colorScheme: 'light' },
};
/** Each opens what is to be seen, and returns when it is there. */
const pages = { landing, customers, chat, operations, graphiql };
const names = Object.keys(pages).flatMap((page) => Object.keys(looks).map((look) => `${page}-${look}`));
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`no pictures: ${unknown.join(', ')}; there are ${names.join(', ')}`);
const quality = 80;
const mostBytes = 140_000;

await mkdir(folder, { recursive: true });
const browser = await launch();
// The people of the demonstration work as long as somebody looks, so something happens in every picture.
const stage = await browser.newPage();
await stage.goto(base);
await stage.getByLabel('Live demonstration').waitFor();
for (const [page, open] of Object.entries(pages))
  for (const [look, options] of Object.entries(looks)) {
    const name = `${page}-${look}`;
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const context = await browser.newContext({ ...options, reducedMotion: 'reduce' });
    context.setDefaultTimeout(soonMs);
    const shown = await context.newPage();
    await open(shown, look === 'phone');
    await take(shown, path.join(folder, `${name}.webp`));
    await context.close();
  }
await browser.close();

/** Chromium writes WebP, which Playwright does not offer. */
async function take(page, file) {
  await until('the pictures and fonts', () =>
    page.evaluate(
      () => document.fonts.status === 'loaded' && [...document.images].every((it) => it.complete),
    ),
  );
  // What was pointed at or written by the way is no part of it.
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement?.blur());
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality });
  await writeFile(file, Buffer.from(data, 'base64'));
  const { size } = await stat(file);
  console.log(`${path.basename(file)}: ${Math.round(size / 1000)} kB`);
  if (size > mostBytes) throw new Error(`${file} has ${size} bytes`);
}

async function landing(page) {
  await page.goto(base);
  const told = page.getByRole('log').first();
  await until('some messages', async () => (await told.innerText()).split('\n').length > 4);
}

async function customers(page, isPhone) {
  await enterAs(page, base, 'Ada', '/customers');
  await page.getByRole('row').nth(3).waitFor();
  if (isPhone) return;
  await page.getByRole('row').getByRole('link').nth(1).click();
  await page.getByRole('list', { name: 'History' }).getByRole('listitem').first().waitFor();
}

async function chat(page, isPhone) {
  await enterAs(page, base, 'Ada', '/chats');
  const first = page.getByRole('main').locator('a[href^="/chats/"]').first();
  await first.click();
  await page.getByRole('textbox', { name: /message/i }).waitFor();
  if (!isPhone) await first.waitFor();
  // What they say to each other are sentences.
  await page.getByRole('main').getByText(/[.?]$/).nth(3).waitFor();
}

async function operations(page) {
  await page.goto(`${base}/sign-in?next=/operations`);
  await page.getByLabel('Email').fill(process.env.SIGN_IN_EMAIL ?? 'admin@example.com');
  await page.locator('input[type=password]').fill(password);
  await page.locator('input[type=password]').press('Enter');
  await page.getByRole('region', { name: 'Health' }).getByText('up to date').waitFor();
  await page.getByRole('region', { name: 'Newest events' }).getByRole('link').nth(3).waitFor();
  // The charts draw a point a second.
  await page.waitForTimeout(15_000);
}

async function graphiql(page, isPhone) {
  await enterAs(page, base, 'Ada', '/graphiql');
  if (isPhone) return void (await page.locator('.graphiql-query-editor .view-line').first().waitFor());
  await openExample(page, 'Watch customers change');
  await execute(page);
  await page.locator('.arrivals li').nth(2).waitFor();
}
