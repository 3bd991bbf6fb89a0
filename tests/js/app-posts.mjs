// Posts in two browsers that see each other: a post appears, is liked, commented on and edited; its versions can be looked at; an edit
// that meets another loses nothing; and what is deleted goes away everywhere.
import { enterAs, isTooWide, issues, visit } from './app.mjs';
import { launch } from './chromium.mjs';
import { program, until } from './program.mjs';

const run = Math.random().toString(36).slice(2, 8);
const text = `A post of run ${run}`;

await program(async (base, check) => {
  const browser = await launch();
  const [ada, grace] = [await visit(browser, base), await visit(browser, base)];
  await Promise.all([enterAs(ada.page, base, 'Ada', '/posts'), enterAs(grace.page, base, 'Grace', '/posts')]);
  const card = ({ page }) => page.getByRole('feed').getByRole('article').filter({ hasText: run });
  const pane = ({ page }) => page.getByRole('complementary', { name: 'Details' });
  await grace.page.getByRole('feed').waitFor();

  // Unsent text outlives a reload.
  await ada.page.getByRole('textbox', { name: 'Write a post' }).fill(text);
  await ada.page.reload();
  await until('the draft', async () => (await ada.page.getByRole('textbox', { name: 'Write a post' }).inputValue()) === text);
  await ada.page.getByRole('button', { name: 'Publish' }).click();
  await card(grace).waitFor();
  check('a draft outlives a reload, and what is published appears elsewhere');

  // Likes show at once here, and there.
  const like = (who) => card(who).getByRole('button', { name: /^Like, / });
  await like(grace).click();
  await until('the like of both', async () => {
    const [here, there] = [await like(grace).getAttribute('aria-label'), await like(ada).getAttribute('aria-label')];
    return here === 'Like, 1 like' && there === here;
  });
  check('a like shows to both', (await like(ada).getAttribute('aria-pressed')) === 'false');
  // A like that is slow on its way, and is taken back meanwhile.
  let letGo;
  const held = new Promise((resolve) => {
    letGo = resolve;
  });
  const sent = [];
  await ada.page.route('**/graphql', async (route) => {
    const [name] = /(?:Unl|L)ikePost/.exec(route.request().postData() ?? '') ?? [];
    if (name) sent.push(name);
    if (name === 'LikePost') await held;
    await route.continue();
  });
  await like(ada).click();
  await until('the like on its way', () => sent.length > 0);
  await like(ada).click();
  check('what was clicked last shows at once', (await like(ada).getAttribute('aria-label')) === 'Like, 1 like');
  letGo();
  await until('the like taken back', () => sent.length === 2);
  await until('the count', async () => (await like(grace).getAttribute('aria-label')) === 'Like, 1 like');
  check('and counts, whatever is how slow', sent.join() === 'LikePost,UnlikePost', sent);
  await ada.page.unroute('**/graphql');
  const trending = ada.page.getByRole('complementary', { name: 'Trending' });
  await trending.getByRole('link').filter({ hasText: run }).waitFor();
  check('and in what trends');

  // Comments.
  await card(ada).click();
  await card(grace).click();
  for (const who of [ada, grace]) await pane(who).getByText('0 comments').waitFor();
  const comment = pane(grace).getByRole('textbox', { name: 'Write a comment' });
  await comment.fill('Is that so?');
  for (let presses = 0; presses < 3; presses += 1) await comment.press('Control+Enter');
  await pane(ada).getByText('Is that so?').waitFor();
  await until('an empty field', async () => (await comment.inputValue()) === '');
  await pane(ada).getByText('1 comment', { exact: true }).waitFor();
  check('a key too many sends nothing', (await pane(ada).getByText('Is that so?').count()) === 1);
  await pane(grace).getByRole('button', { name: 'Edit comment' }).click();
  await pane(grace).getByRole('textbox', { name: 'Edit comment' }).fill('That is so.');
  await pane(grace).getByRole('button', { name: 'Save' }).click();
  await pane(ada).getByText('That is so.').waitFor();
  check('a comment and its edit show elsewhere', (await pane(ada).getByText('Is that so?').count()) === 0);

  // Two tabs of one author edit at once. What was typed stays, and both can be had.
  const second = await ada.context.newPage();
  await second.goto(ada.page.url());
  const edit = async (page) => {
    const there = pane({ page });
    await there.getByRole('button', { name: 'What can be done with this post' }).click();
    await page.getByRole('menuitem', { name: 'Edit' }).click();
    return there.getByRole('textbox', { name: 'Text of the post' });
  };
  const [mine, theirs] = [await edit(ada.page), await edit(second)];
  await mine.fill(`My ${text}`);
  await theirs.fill(`${text}, changed elsewhere`);
  await pane({ page: second }).getByRole('button', { name: 'Save' }).click();
  await pane(ada).getByRole('button', { name: 'Take both' }).waitFor();
  // After a reload the edit is still one of the version it began from.
  ada.page.once('dialog', (dialog) => dialog.accept());
  await ada.page.reload();
  await pane(ada).getByRole('button', { name: 'Take both' }).click();
  check('an edit that meets another is put together', (await mine.inputValue()) === `My ${text}, changed elsewhere`, await mine.inputValue());
  // A like in between is no conflict.
  await like(grace).click();
  await pane(ada).getByRole('button', { name: 'Save' }).click();
  await pane(grace).getByText(`My ${text}, changed elsewhere`).first().waitFor();
  check('and saved, whoever likes the post meanwhile');

  // Versions.
  const slider = pane(grace).getByRole('slider', { name: 'Version' });
  await slider.focus();
  await slider.press('Home');
  const was = pane(grace).getByRole('region', { name: 'Version 1' });
  await was.getByText('0 likes, 0 comments').waitFor();
  const added = await was.locator('ins').allInnerTexts();
  check('the first version is shown, with what came since', added.join('').includes('changed elsewhere'), added);
  check('who made it is named', (await was.innerText()).includes('published the post'));

  // The pages themselves, with everything open.
  for (const [width, height] of [[1280, 800], [360, 740]]) {
    await grace.page.setViewportSize({ width, height });
    const found = await issues(grace.page);
    check(`an open post is accessible at ${width}`, found.length === 0, found);
    check('and not too wide', !(await isTooWide(grace.page)));
  }
  await grace.page.setViewportSize({ width: 1280, height: 800 });

  // Filters are in the address, and a post that is deleted goes away everywhere.
  await grace.page.goto(`${base}/posts?comments=1&search=${run}`);
  await card(grace).waitFor();
  await pane(ada).getByRole('button', { name: 'What can be done with this post' }).click();
  await ada.page.getByRole('menuitem', { name: 'Delete' }).click();
  await ada.page.getByRole('button', { name: 'Delete post' }).click();
  await card(grace).waitFor({ state: 'detached' });
  await grace.page.getByText('No post is like this').waitFor();
  check('a post that was deleted goes away elsewhere');

  // The next person in the same tab finds nothing of the last one.
  await ada.page.getByRole('textbox', { name: 'Write a post' }).fill('Not meant for others');
  const other = await ada.context.newPage();
  await other.goto(`${base}/users`);
  await other.getByRole('link', { name: /Grace Hopper/ }).waitFor();
  await ada.page.getByRole('button', { name: /^Account of Ada/ }).first().click();
  await ada.page.getByRole('menuitem', { name: 'Sign out' }).click();
  await ada.page.waitForURL(`${base}/`);
  await other.getByRole('heading', { name: 'Sign in to see this page' }).waitFor();
  check('who leaves in one tab leaves nothing on the screen of another', (await other.getByText('Grace').count()) === 0);
  await other.close();
  await enterAs(ada.page, base, 'Grace', '/posts');
  await ada.page.getByRole('button', { name: /^Account of Grace/ }).first().waitFor();
  check('a draft is for who wrote it', (await ada.page.getByRole('textbox', { name: 'Write a post' }).inputValue()) === '');
  for (const { seen } of [ada, grace]) {
    // The two that met.
    const errors = seen.errors.filter((error) => !/409|Conflict/i.test(error));
    check('nothing failed', errors.length === 0, errors);
  }
  await browser.close();
});
