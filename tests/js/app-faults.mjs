// Faults under an open page: a network that is cut, a browser that is offline, a gateway that is killed, a page that sleeps, a
// session that ends. What happened meanwhile is shown once and in order, what was typed stays, what was done is sent once.
import { proxy } from '../../web/client/e2e/proxy.mjs';
import { connectionIs, enterAs, names, register, visit } from './app.mjs';
import { launch } from './chromium.mjs';
import { register as registerBehind } from './people.mjs';
import { post } from './customers.mjs';
import { program, tell, until } from './program.mjs';

await program(async (base, check) => {
  // The page's line can be cut; what others do goes straight to the gateway.
  const line = await proxy(base);
  const front = line.url.replace('/graphql', '');
  const browser = await launch();
  const { context, page } = await visit(browser, front);
  await enterAs(page, front, 'Ada');
  await connectionIs(page, /Live/);

  const people = [];
  /** Somebody registers, and the page comes to show them first. */
  const somebody = async (name) => {
    const { name: full } = await registerBehind(base, name);
    people.unshift(full);
    return full;
  };
  const showsAll = () => until('everybody', async () => {
    const shown = await names(page);
    return people.every((name, place) => shown[place] === name) && shown;
  });
  await somebody('First');
  await showsAll();
  const total = async () => Number(/(\d+) in all/.exec(await page.locator('body').innerText())?.[1]);
  await until('the total', async () => (await total()) === 5);
  check('what others do is shown as it happens, and counted');

  line.fall();
  await connectionIs(page, /Offline|Catching up/);
  for (const name of ['Second', 'Third', 'Fourth']) await somebody(name);
  await line.rise();
  const shown = await showsAll();
  await connectionIs(page, /Live/);
  check('after a cut everybody is there once, in order', new Set(shown).size === shown.length, shown);
  await until('the total', async () => (await total()) === 8);
  await page.getByRole('button', { name: /^Connection:/ }).first().click();
  await page.getByText(/caught up on \d+ event/).first().waitFor();
  check('and the frame tells what was caught up on');
  await page.keyboard.press('Escape');

  // What is typed outlives a gateway that is killed, and tokens that end meanwhile.
  const bio = page.getByLabel('About you');
  await page.goto(`${front}/settings`);
  await bio.fill('Typed before it was killed');
  await tell('kill');
  await connectionIs(page, /Offline|Catching up/);
  await bio.pressSequentially(', and while it was gone');
  await tokenEnds(page);
  await tell('restart');
  await connectionIs(page, /Live/);
  const typed = 'Typed before it was killed, and while it was gone';
  check('what was typed is there when the gateway is back', (await bio.inputValue()) === typed);
  await page.getByRole('button', { name: 'Save profile' }).click();
  await page.getByText('Your profile is saved.').waitFor();
  check('and can be saved without signing in again');

  // Offline, as the browser knows it: what is done waits, also in a tab that is closed.
  await context.setOffline(true);
  await connectionIs(page, /Offline/);
  await page.getByRole('radio', { name: 'Busy' }).locator('xpath=..').getByText('Busy').click();
  await connectionIs(page, /Offline, 1 change waits/);
  check('a change waits, and the frame says so');
  await page.close();
  await context.setOffline(false);
  const again = await context.newPage();
  await enterAs(again, front, 'Ada', '/settings');
  await until('what was queued', async () => again.getByRole('radio', { name: 'Busy' }).isChecked());
  await connectionIs(again, /Live$/);
  check('another tab sends what a closed one left');

  // A page that sleeps hears nothing, and its tokens end.
  await again.goto(`${front}/users`);
  await until('the list', async () => (await names(again)).length > 3);
  const devtools = await context.newCDPSession(again);
  await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
  line.silence();
  await somebody('Sleeper');
  await tokenEnds(again);
  line.fall();
  await line.rise();
  await devtools.send('Page.setWebLifecycleState', { state: 'active' });
  await until('who came meanwhile', async () => (await names(again))[0] === people[0]);
  await connectionIs(again, /Live/);
  check('a page that woke up goes on by itself');
  await again.close();

  // A session that is ended elsewhere leaves the page as it is.
  const mary = { name: 'Mary Shelley', email: 'mary@example.com', password: 'a password of her own' };
  const own = await visit(browser, front);
  await register(own.page, front, mary);
  await own.page.getByLabel('About you').fill('Typed before the session ended');
  await signOutEverywhere(base, mary);
  await own.page.getByRole('dialog', { name: 'Your session ended' }).waitFor();
  await own.page.locator('input[type=password]').last().fill(mary.password);
  await own.page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
  await own.page.getByRole('dialog').waitFor({ state: 'detached' });
  const kept = await own.page.getByLabel('About you').inputValue();
  check('what was typed is there after signing in again', kept === 'Typed before the session ended', kept);
  await connectionIs(own.page, /Live/);
  await own.page.getByRole('button', { name: 'Save profile' }).click();
  await own.page.getByText('Your profile is saved.').waitFor();
  check('and the page goes on');
  await browser.close();
});

/** Until the access token that a page has now is of no use; the page has no line by which to renew it. */
async function tokenEnds(page) {
  const endsAtMs = await page.evaluate(() => {
    const stored = Object.values(sessionStorage).find((text) => text.includes('accessToken'));
    const [, claims] = JSON.parse(stored).accessToken.split('.');
    return JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/'))).exp * 1_000;
  });
  await until('the end of the token', () => Date.now() > endsAtMs);
}

/** As from another device. */
async function signOutEverywhere(base, { email, password }) {
  const signIn = 'mutation ($input: SignInInput!) { signIn(input: $input) { session { accessToken } } }';
  const { data } = await post(base, signIn, { input: { email, password } }, null);
  const authorization = `Bearer ${data.signIn.session.accessToken}`;
  await post(base, 'mutation { signOut(input: { everywhere: true }) { signedOut } }', {}, authorization);
}
