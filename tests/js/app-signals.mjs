// Signals in two browsers that see each other: one is submitted, its processors answer one after the other while its time runs, and it is
// in the list and in the line of its source, here and there. One that misses its deadline is partial, and a late answer is told.
import { enterAs, isTooWide, issues, visit } from './app.mjs';
import { launch } from './chromium.mjs';
import { post } from './customers.mjs';
import { signInAsAdmin } from './people.mjs';
import { program, until } from './program.mjs';

const run = Math.random().toString(36).slice(2, 8);

await program(async (base, check) => {
  const browser = await launch();
  const [ada, grace] = [await visit(browser, base), await visit(browser, base)];
  await Promise.all([enterAs(ada.page, base, 'Ada', '/signals'), enterAs(grace.page, base, 'Grace', '/signals')]);
  const graph = ({ page }) => page.getByRole('figure', { name: 'Processing' });
  const submit = async ({ page }, source, value) => {
    await page.getByRole('button', { name: 'Submit signal' }).click();
    await page.getByRole('combobox', { name: 'Source' }).fill(source);
    await page.getByRole('textbox', { name: 'Value' }).fill(value);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
  };
  await ada.page.getByRole('button', { name: 'Submit signal' }).click();
  await ada.page.getByRole('textbox', { name: 'Value' }).fill('much');
  await ada.page.getByRole('button', { name: 'Submit', exact: true }).click();
  await ada.page.getByText('Give a number.').waitFor();
  check('what is no number is refused where it stands');
  await ada.page.keyboard.press('Escape');

  // It fills in.
  await submit(ada, `north ${run}`, '41.5');
  const progress = graph(ada).getByRole('progressbar', { name: 'Time left until the deadline' });
  await progress.waitFor();
  const left = async () => Number(await progress.getAttribute('aria-valuenow'));
  const before = await left();
  await graph(ada).getByText('as usual').waitFor();
  check('the first answer is shown while others are waited for', await graph(ada).getByText('works', { exact: true }).isVisible());
  await until('the time to run', async () => (await left()) < before);
  check('the time runs');
  await graph(ada).getByText('Complete').waitFor();
  await graph(ada).getByText('flat').waitFor();
  const row = ({ page }, source) => page.getByRole('table', { name: 'Signals' }).getByRole('row').filter({ hasText: source });
  await row(grace, `north ${run}`).getByText('Complete').waitFor();
  check('it is complete, here and in the list of another');
  await grace.page.getByRole('list', { name: 'Sources' }).getByRole('button', { name: new RegExp(run) }).waitFor();
  check('and its source has a line');

  // A second one moves the line, and one source alone can be looked at.
  await submit(grace, `north ${run}`, '43');
  await graph(grace).getByText('Complete').waitFor();
  const source = ada.page.getByRole('list', { name: 'Sources' }).getByRole('button', { name: new RegExp(run) });
  await source.getByRole('img', { name: /the last 2 values/ }).waitFor();
  await source.click();
  await until('the signals of one source', async () => (await row(ada, 'north').count()) === 2);
  await ada.page.getByText('2 in all').waitFor();
  check('one source alone is shown', new URL(ada.page.url()).searchParams.get('source') === `north ${run}`, ada.page.url());

  // The deadline passes while one of the processors rests. A worker may know that half a second late, and answer once more.
  const worker = async (field) => {
    const document = `mutation { ${field}(input: { name: "signal_levels" }) { workerStatus { handlers { name } } } }`;
    await post(base, document, {}, (await signInAsAdmin(base)).authorization);
  };
  const partial = graph(ada).getByText('Partial: without Levels');
  await worker('pauseWorker');
  for (let number = 1; !(await partial.isVisible()) && number <= 6; number += 1) {
    await submit(ada, `slow ${run}`, '1000');
    await ada.page.getByRole('heading', { name: `slow ${run} #${number}` }).waitFor();
    await partial.or(graph(ada).getByText('Complete')).waitFor();
  }
  check('a signal that misses its deadline is partial', await graph(ada).getByText('did not answer').isVisible());
  await worker('resumeWorker');
  await graph(ada).getByText('too late').waitFor();
  check('and a late answer is shown as such');

  for (const [width, height] of [[1280, 800], [360, 740]]) {
    await ada.page.setViewportSize({ width, height });
    const found = await issues(ada.page);
    check(`a signal is accessible at ${width}`, found.length === 0, found);
    check('and not too wide', !(await isTooWide(ada.page)));
  }
  for (const { seen } of [ada, grace]) check('nothing failed', seen.errors.length === 0, seen.errors);
  await browser.close();
});
