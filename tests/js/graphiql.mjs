// The GraphiQL page in a real Chromium: it asks no other origin for anything, logs no error, runs
// its examples without one, and shows a customer created elsewhere in its live subscription.
// The second argument, when given, is where to save a screenshot.
import { readdir, readFile } from 'node:fs/promises';
import { buildSchema, parse, validate } from 'graphql';
import { answer, launch, visible, watch } from './chromium.mjs';
import { newCustomer, write } from './customers.mjs';
import { program, until } from './program.mjs';

const examples = new URL('../../web/src/graphiql/examples/', import.meta.url);
// In this order each finds what it needs in the answers to the ones before it.
const runnable = [
  'Create a customer',
  'List customers',
  'Update with expectedVersion',
  "Read a customer's history",
];

await program(120_000, async (base, check) => {
  await validateExamples(base, check);
  await checkPlayground(base, check);
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(20_000);
    const seen = watch(page, base);
    await open(page, base, check);
    for (const title of runnable) await runExample(page, title, check);
    await runLive(page, base, seen, check);
    if (process.argv[3]) await page.screenshot({ path: process.argv[3] });
    await reload(page, check);
    await resume(page, base, check);
    await page.goto(`${base}/playground`);
    check(
      '/playground leads to /graphiql',
      new URL(page.url()).pathname === '/graphiql',
      page.url(),
    );
    await page.locator('.graphiql-query-editor .view-line').first().waitFor();
    check(
      `${seen.requests} requests, none to another origin`,
      seen.foreign.length === 0,
      seen.foreign,
    );
    check('no error on the console', seen.errors.length === 0, seen.errors);
  } finally {
    await browser.close();
  }
});

async function validateExamples(base, check) {
  const schema = buildSchema(await (await fetch(`${base}/schema.graphql`)).text());
  const files = (await readdir(examples)).filter((file) => file.endsWith('.graphql'));
  check('there are examples', files.length > 0);
  for (const file of files) {
    const errors = validate(schema, parse(await readFile(new URL(file, examples), 'utf8')));
    check(
      `${file} is valid against the schema`,
      errors.length === 0,
      errors.map((e) => e.message),
    );
  }
}

async function checkPlayground(base, check) {
  const response = await fetch(`${base}/playground`, { redirect: 'manual' });
  const location = new URL(response.headers.get('location') ?? '/', base).pathname;
  check(
    '/playground redirects with 308',
    response.status === 308 && location === '/graphiql',
    response.status,
  );
}

async function open(page, base, check) {
  await page.goto(`${base}/graphiql`);
  await page.getByRole('heading', { name: 'Examples' }).waitFor();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  check('the page opens with its examples', (await page.title()).includes('GraphiQL'));
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page
    .locator('.graphiql-doc-explorer')
    .getByText('Mutation', { exact: true })
    .first()
    .waitFor();
  check('the schema is shown in the documentation');
}

async function openExample(page, title) {
  const tabs = await page.getByRole('tab').count();
  if (!(await page.getByRole('heading', { name: 'Examples' }).isVisible())) {
    await page.getByRole('button', { name: 'Show Examples' }).click();
  }
  await page.locator('.examples').getByRole('button', { name: title }).click();
  await page.waitForFunction((n) => document.querySelectorAll('[role=tab]').length > n, tabs);
  // The tab is named after the operation once the editor has understood the document.
  await page.waitForFunction(() => {
    const active = document.querySelector('[role=tab][aria-selected=true]');
    return active && !active.textContent.includes('untitled');
  });
  await page.getByRole('button', { name: /^Execute query/ }).click();
}

async function runExample(page, title, check) {
  await openExample(page, title);
  const result = await until(`an answer to "${title}"`, () => answer(page));
  check(`"${title}" runs without errors`, result.data && !result.errors, result);
  check(
    'its answer shows extensions.cursor',
    typeof result.extensions?.cursor === 'string',
    result,
  );
}

async function runLive(page, base, seen, check) {
  await openExample(page, 'Watch customers change');
  await page.getByRole('status').getByText('Live').waitFor();
  await until('the subscription', () =>
    seen.framesSent.some((frame) => frame.includes('"subscribe"')),
  );
  for (const label of ['Live', 'LiveAgain']) {
    const input = newCustomer(label);
    await write(base, 'create', input);
    const text = await visible(page, input.name);
    check(
      'a customer created elsewhere appears in the response',
      text.includes('customerChanged'),
      text,
    );
  }
}

async function reload(page, check) {
  const tabs = await page.getByRole('tab').allInnerTexts();
  await page.waitForTimeout(600); // GraphiQL stores its tabs half a second after a change
  await page.reload();
  await page.locator('.graphiql-query-editor .view-line').first().waitFor();
  const kept = await page.getByRole('tab').allInnerTexts();
  check('a reload keeps the tabs', kept.join() === tabs.join(), kept);
}

/** The socket is cut between two events; the page must show both, and neither twice. */
async function resume(page, base, check) {
  let cut;
  await page.routeWebSocket('**/graphql', (socket) => {
    const server = socket.connectToServer();
    cut = async () => {
      await socket.close({ code: 1012 });
      await server.close();
    };
  });
  await page.reload();
  await openExample(page, 'Watch customers change');
  const status = page.locator('.live-status');
  await status.getByText('Live', { exact: true }).waitFor();
  const [before, during, after] = ['before', 'during', 'after'].map(newCustomer);
  await write(base, 'create', before);
  await visible(page, before.name);
  await cut();
  await write(base, 'create', during);
  await status.getByText('Live', { exact: true }).waitFor();
  await write(base, 'create', after);
  await visible(page, after.name);
  check(
    'after a lost connection the subscription resumes',
    (await status.innerText()).includes('3 events'),
    await status.innerText(),
  );
}
