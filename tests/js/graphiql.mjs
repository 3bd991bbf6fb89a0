// The GraphiQL page in a real Chromium: it asks no other origin for anything, logs no error, runs
// its examples without one, and shows a customer created elsewhere in its live subscription.
// The second argument, when given, is where to save a screenshot.
import { readdir, readFile } from 'node:fs/promises';
import { violations } from './accessibility.mjs';
import { buildSchema, parse, validate } from 'graphql';
import { answer, launch, visible, watch } from './chromium.mjs';
import { newCustomer, post, write } from './customers.mjs';
import { editor, execute, openExample, openPage, runExample, runLive, signIn, tabs } from './page.mjs';
import { register, signInAsAdmin } from './people.mjs';
import { program, soonMs, until } from './program.mjs';

const examples = new URL('../../web/app/src/features/graphiql/examples/', import.meta.url);
// In this order each finds what it needs in the answers to the ones before it.
const runnable = [
  'Who am I',
  'List users',
  'Set your availability',
  'Create a chat',
  'Send a message',
  'List my chats',
  'Read the messages',
  'Say that you are typing',
  'Write a post',
  'Comment on a post',
  'Like a post',
  'Read your own write',
  'List the newest posts',
  'List the most liked posts',
  'Search posts',
  'Read a post as it was',
  "Read a post's history",
  'See what trends',
  'Create a customer',
  'List customers',
  'Update with expectedVersion',
  "Read a customer's history",
  'Create a student',
  'List students',
  'Import students',
  'Rebuild a read model',
  'See the read models',
  'See the caches',
];
const live = [
  'Watch who is there',
  'Watch a chat',
  'Watch my chats',
  'Watch who is typing',
  'Watch what trends',
  'Watch new posts',
  'Keep a post current',
  'Watch a post',
  'Watch the comments',
  'Watch students',
  'Watch the statistics',
  'Resume from a cursor',
];

await program(async (base, check) => {
  await validateExamples(base, check);
  await checkPlayground(base, check);
  const admin = await signInAsAdmin(base);
  await register(base, 'Another');
  const browser = await launch();
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(soonMs);
    const seen = watch(page, base);
    await open(page, base, check);
    await signIn(page, admin);
    for (const title of runnable) await answers(page, title, check);
    await readsOwnWrite(page, check);
    for (const title of live) await begins(page, title, check);
    await showsEvents(page, base, check);
    await showsPatches(page, base, check);
    await isAccessible(page, base, check);
    if (process.argv[3]) await page.screenshot({ path: process.argv[3] });
    await reload(page, check);
    await resume(page, base, check);
    await answers(page, 'Register', check);
    await page.goto(`${base}/playground`);
    check(
      '/playground leads to /graphiql',
      new URL(page.url()).pathname === '/graphiql',
      page.url(),
    );
    await editor(page).waitFor();
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
  const files = await readdir(examples, { recursive: true });
  const documents = files.filter((file) => file.endsWith('.graphql'));
  check('there are examples', documents.length > 0);
  for (const file of documents) {
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
  await openPage(page, base);
  check('the page opens', (await page.title()).includes('GraphiQL'));
  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  await page
    .locator('.graphiql-doc-explorer')
    .getByText('Mutation', { exact: true })
    .first()
    .waitFor();
  check('the schema is shown in the documentation');
}

async function answers(page, title, check) {
  const result = await runExample(page, title);
  check(`"${title}" runs without errors`, result.data && !result.errors, result);
  check(
    'its answer shows extensions.cursor',
    typeof result.extensions?.cursor === 'string',
    result,
  );
}

/** The token of the mutation goes with the query, which then shows what the mutation did. */
async function readsOwnWrite(page, check) {
  const written = await runExample(page, 'Comment on a post');
  const sent = page.waitForRequest((request) => request.postData()?.includes('query ReadAfter'));
  const { data } = await runExample(page, 'Read your own write');
  const { 'read-after': token } = (await sent).headers();
  check(
    'the token of a mutation is sent',
    token && token === written.extensions.readAfter,
    { token, written },
  );
  const { version } = written.data.addComment.post;
  check('what was written is read', data.post?.version === version, data);
}

/** Nothing says that a subscription has begun; one that is refused says so before the next is run. */
async function begins(page, title, check) {
  await runLive(page, title);
  await page.waitForTimeout(300);
  const result = await answer(page);
  check(`"${title}" is live`, !result || (result.data && !result.errors), result);
}

async function showsEvents(page, base, check) {
  await runLive(page, 'Watch customers change');
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

/** A live query: the whole answer first, then what changed. */
async function showsPatches(page, base, check) {
  await runLive(page, 'Keep a post current');
  const came = page.getByRole('region', { name: 'What came' });
  await came.getByRole('listitem').first().waitFor();
  const { data } = await until('the answer', () => answer(page));
  const comment = 'mutation ($input: AddCommentInput!) { addComment(input: $input) { post { id } } }';
  await post(base, comment, { input: { postId: data.post.id, text: 'One more' } });
  const patch = came.getByRole('listitem').filter({ hasText: '/post/commentCount' });
  await patch.waitFor();
  check('a live query shows its patches', (await came.getByRole('listitem').count()) === 2);
  await patch.locator('summary').click();
  const steps = JSON.parse(await patch.locator('pre').innerText());
  check('each can be opened', steps.some(({ op, path }) => op === 'replace' && path === '/post/commentCount'), steps);
  const shown = await answer(page);
  check('the response is the answer as it is now', shown.data.post.commentCount === data.post.commentCount + 1, shown);
}

/** As it is, and on a phone, where what is asked and what came stand below each other. */
async function isAccessible(page, base, check) {
  const judge = async (where) => {
    const found = await violations(page);
    check(`the page is accessible ${where}`, found.length === 0, found.map(({ id, nodes }) => [id, nodes[0].html]));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(`and no wider than its window ${where}`, wide <= 0, wide);
  };
  await judge('on a desktop');
  const context = await page.context().browser().newContext({
    viewport: { width: 360, height: 780 },
    colorScheme: 'dark',
  });
  const phone = await context.newPage();
  phone.setDefaultTimeout(soonMs);
  await phone.goto(`${base}/graphiql`);
  await editor(phone).waitFor();
  const run = phone.getByRole('button', { name: /^Execute query/ });
  const { x, width } = await run.boundingBox();
  check('the button that runs is on the screen of a phone', x >= 0 && x + width <= 360, { x, width });
  await run.click();
  const result = await until('an answer on a phone', () => answer(phone));
  check('and runs', result.data && !result.errors, result);
  await openExample(phone, 'Who am I');
  // What is asked moves away with its pane when one scrolls to what came.
  const line = phone.locator('.graphiql-query-editor .view-line').first();
  const pane = phone.locator('.graphiql-query-editor');
  await phone.locator('.graphiql-main').evaluate((main) => main.scrollTo(0, 300));
  const [lineAt, paneAt] = [await line.boundingBox(), await pane.boundingBox()];
  check('what is asked stays in its pane', lineAt.y >= paneAt.y && lineAt.y < paneAt.y + paneAt.height, { lineAt, paneAt });
  const wide = await phone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  check('and nothing is wider than the phone', wide <= 0, wide);
  await context.close();
}

async function reload(page, check) {
  const before = await tabs(page).allInnerTexts();
  await page.waitForTimeout(2_000); // GraphiQL stores its tabs half a second after a change, on a slow machine later
  await page.reload();
  await editor(page).waitFor();
  const kept = await tabs(page).allInnerTexts();
  check('a reload keeps the tabs', kept.join() === before.join(), kept);
}

/** The socket is cut between two events; the page must show both, and neither twice. */
async function resume(page, base, check) {
  // That of GraphiQL, and that of the frame.
  const cuts = [];
  await page.routeWebSocket('**/graphql', (socket) => {
    const server = socket.connectToServer();
    cuts.push(async () => {
      await socket.close({ code: 1012 });
      await server.close();
    });
  });
  await page.reload();
  await openExample(page, 'Watch customers change');
  await execute(page);
  const status = page.locator('.live-status');
  await status.getByText('Live', { exact: true }).waitFor();
  const [before, during, after] = ['before', 'during', 'after'].map(newCustomer);
  await write(base, 'create', before);
  await visible(page, before.name);
  for (const cut of cuts.splice(0)) await cut();
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
