// The GraphiQL page as its users handle it: signing in, opening and running examples, and reading
// what they answer.
import { answer } from './chromium.mjs';
import { until } from './program.mjs';

/** Opens the page and waits until it can be used. */
export async function openPage(page, base) {
  await page.goto(`${base}/graphiql`);
  await editor(page).waitFor();
}

export function editor(page) {
  return page.locator('.graphiql-query-editor .view-line').first();
}

/** What the frame says of who is signed in. */
export function account(page, { name }) {
  return page.getByRole('button', { name: `Account of ${name}` }).and(page.locator(':visible'));
}

export async function showPanel(page, title) {
  await editor(page).waitFor();
  if (await page.getByRole('heading', { name: title, exact: true }).isVisible()) return;
  await page.getByRole('button', { name: `Show ${title}` }).click();
}

export async function signIn(page, person) {
  const { origin } = new URL(page.url());
  await page.goto(`${origin}/sign-in?next=/graphiql`);
  await page.getByLabel('Email').fill(person.email);
  await page.locator('input[type=password]').fill(person.password);
  await page.locator('input[type=password]').press('Enter');
  await account(page, person).waitFor();
  await editor(page).waitFor();
}

/** The tabs, of which one is open. */
export function tabs(page) {
  return page.locator('.graphiql-tab');
}

/** Opens an example in a tab of its own. */
export async function openExample(page, title) {
  const count = await tabs(page).count();
  await showPanel(page, 'Examples');
  await page.locator('.examples-open').getByText(title, { exact: true }).click();
  await page.waitForFunction((n) => document.querySelectorAll('.graphiql-tab').length > n, count);
  // The tab is named after the operation once the editor has understood the document.
  await page.waitForFunction(() => {
    const active = document.querySelector('.graphiql-tab-active');
    return active && !active.textContent.includes('untitled');
  });
}

export async function execute(page) {
  await page.getByRole('button', { name: /^Execute query/ }).click();
}

/** Runs an example that answers once, with other variables if some are given. */
export async function runExample(page, title, variables) {
  await openExample(page, title);
  if (variables) await setVariables(page, variables);
  await execute(page);
  return until(`an answer to "${title}"`, () => answer(page));
}

/** Starts a live example. */
export async function runLive(page, title, variables) {
  await openExample(page, title);
  if (variables) await setVariables(page, variables);
  await execute(page);
  await page.locator('.live-status').getByText('Live', { exact: true }).waitFor();
}

/** The error that the running subscription ends with. */
export async function ending(page) {
  return until('the end of the subscription', async () => (await answer(page))?.errors?.[0]);
}

/** What the variables editor shows. */
export async function variables(page) {
  return JSON.parse(await page.evaluate(readEditor, 'variables'));
}

export async function setVariables(page, values) {
  await page.evaluate(fillEditor, ['variables', JSON.stringify(values, null, 2)]);
}

/** Runs an operation of the caller's own, which must have a name, in a new tab. */
export async function runOperation(page, query, values) {
  // What runs goes on running in a new tab.
  const stop = page.getByRole('button', { name: /^Stop query/ });
  if (await stop.isVisible()) await stop.click();
  await page.getByRole('button', { name: 'New tab' }).click();
  await page.evaluate(fillEditor, ['operation', query]);
  await setVariables(page, values);
  const [, name] = query.match(/^\w+ (\w+)/);
  await page.locator('.graphiql-tab-active').getByText(name).waitFor();
  await execute(page);
  return until(`an answer to ${name}`, () => answer(page));
}

// Run in the page.

function readEditor(part) {
  const models = globalThis.__MONACO.editor.getModels();
  return models.find((model) => model.uri.path.includes(part)).getValue();
}

function fillEditor([part, text]) {
  const models = globalThis.__MONACO.editor.getModels();
  models.find((model) => model.uri.path.includes(part)).setValue(text);
}
