// Every page of the app, in both schemes, on a desktop and a phone: no issue above minor in axe, nothing that scrolls sideways, no
// error in the console. A page that is added is added here.
import { connection, enterAs, issues, isTooWide, visit } from './app.mjs';
import { launch } from './chromium.mjs';
import { program, until } from './program.mjs';

const outside = ['/', '/sign-in', '/register', '/forgot-password', '/reset-password', '/no/such/page'];
const inside = ['/customers', '/students', '/users', '/chats', '/posts', '/signals', '/settings'];
// Lists that found nothing, and objects that are not there.
const empty = [
  ...['customers', 'students', 'users', 'posts'].map((list) => [`/${list}?search=zzqqxx`, /is like this/]),
  ['/chats?search=zzqqxx', /No chat has this title or member/],
  ['/posts/post_01jdvexvm6ft9tzcz0dvbk3v0x', /There is no such post/],
];
const sizes = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

await program(async (base, check) => {
  const browser = await launch();
  const faults = [];
  const look = async (viewport) => {
    const where = `${viewport.width} pixels`;
    const { context, page, seen } = await visit(browser, base, { viewport, reducedMotion: 'reduce' });
    const judge = async (what) => {
      const found = await issues(page);
      if (await isTooWide(page)) found.push('it is wider than its window');
      if (found.length > 0) faults.push({ page: what, where, found });
      else check(`${what} (${where})`);
    };
    for (const path of outside) {
      await page.goto(`${base}${path}`);
      await page.getByRole('heading').first().waitFor();
      if (path === '/') await page.getByLabel('Live demonstration').waitFor();
      await judge(path);
    }
    await enterAs(page, base, 'Ada');
    for (const path of inside) {
      await page.goto(`${base}${path}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await settled(page);
      await judge(path);
    }
    for (const [path, told] of viewport === sizes[0] ? empty : []) {
      await page.goto(`${base}${path}`);
      await page.getByText(told).waitFor();
      await judge(path);
    }
    await page.goto(`${base}/users`);
    await page.getByRole('link', { name: /Grace/ }).click();
    await page.getByRole('list', { name: 'History' }).getByText('registered').first().waitFor();
    await judge('a user');
    await page.goto(`${base}/customers`);
    await page.getByRole('row').getByRole('link').first().click();
    await page.getByText('added the customer').waitFor();
    await judge('a customer');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('button', { name: 'Save' }).waitFor();
    await judge('a customer that is edited');
    await page.goto(`${base}/students?import=file`);
    await page.getByRole('button', { name: 'Choose a file' }).waitFor();
    await judge('an import');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Pages, people and actions').waitFor();
    await judge('the palette');
    await page.keyboard.press('Escape');
    await page.getByPlaceholder('Pages, people and actions').waitFor({ state: 'hidden' });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await judge('the keys');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'hidden' });
    await connection(page).first().click();
    await page.getByText('What others do shows here').waitFor();
    await judge('the connection');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Account of Ada' }).and(page.locator(':visible')).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).waitFor();
    await judge('the account');
    check(`nothing failed (${where})`, seen.errors.length === 0, seen.errors);
    check(`nothing came from elsewhere (${where})`, seen.foreign.length === 0, seen.foreign);
    await context.close();
  };
  // One alone leaves a core idle while it waits for the gateway and for frames.
  await Promise.all(sizes.map(look));
  await browser.close();
  check('all pages are accessible', faults.length === 0, faults.map((fault) => JSON.stringify(fault)).join('\n'));
});

/** Until what stood in for the content is gone. */
function settled(page) {
  return until('the content', async () => (await page.locator('[aria-hidden] .mantine-Skeleton-root').count()) === 0);
}
