// The web app as its users handle it.
import { violations } from './accessibility.mjs';
import { watch } from './chromium.mjs';
import { soonMs, until } from './program.mjs';

/** A browser context with one page, and what goes wrong in it. */
export async function visit(browser, base, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  // What is not there by then never comes; how long it takes is not the subject, and machines differ.
  context.setDefaultTimeout(soonMs);
  const page = await context.newPage();
  const seen = watch(page, base, { tokensEnd: true });
  return { context, page, seen };
}

/** Enters as a person of the demo data, by the first name. */
export async function enterAs(page, base, name, path = '/users') {
  await page.goto(`${base}/sign-in?next=${path}`);
  await page.getByRole('button', { name: new RegExp(`^${name}`) }).click();
  await page.waitForURL(`${base}${path}`);
}

export async function register(page, base, { name, username = '', email, password }, path = '/settings') {
  await page.goto(`${base}/register?next=${path}`);
  await page.getByLabel(/^Name/).fill(name);
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Email').fill(email);
  await page.locator('input[type=password]').fill(password);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.waitForURL(`${base}${path}`);
}

/** The word in the frame. */
export function connection(page) {
  return page.getByRole('button', { name: /^Connection:/ }).and(page.locator(':visible'));
}

export async function connectionIs(page, word) {
  await until(`the word ${word}`, async () =>
    word.test((await connection(page).first().getAttribute('aria-label')) ?? ''),
  );
}

/** The names in the first column of the list on the page. */
export function names(page) {
  return page.locator('[role=row] a').evaluateAll((links) =>
    // The first line has the letters of the avatar.
    links.map((link) => link.innerText.split('\n').at(-1)?.trim()),
  );
}

/** What axe has to say of the page as it is, in both schemes, without what is minor. */
export async function issues(page) {
  const found = [];
  const present = await page.evaluate(() => document.documentElement.dataset.mantineColorScheme);
  // A change of the scheme costs a second on a slow machine. The first look is at the scheme that is there.
  for (const scheme of present === 'dark' ? ['dark', 'light'] : ['light', 'dark']) {
    if (scheme !== present) await changeScheme(page, scheme);
    // What moves is judged when it stands. A colour that is inherited goes from element to element, one after the other.
    await page.evaluate(async () => {
      for (;;) {
        const isEnding = ({ playState, effect }) =>
          playState === 'running' && effect?.getComputedTiming().iterations !== Infinity;
        const ending = document.getAnimations().filter(isEnding);
        if (ending.length === 0) return;
        await Promise.allSettled(ending.map((it) => it.finished));
      }
    });
    // Only the colours differ.
    const colours = { runOnly: ['color-contrast', 'link-in-text-block'] };
    for (const { id, impact, nodes } of await violations(page, scheme === present ? {} : colours))
      found.push({ scheme, id, impact, nodes: nodes.slice(0, 3).map(described) });
  }
  return found;
}

async function changeScheme(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme });
  await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor();
}

function described({ html, failureSummary }) {
  return `${html.slice(0, 160)} ${failureSummary?.slice(0, 300)}`;
}

/** Whether the page is wider than its window. */
export function isTooWide(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}
