// Signing in on the GraphiQL page, on a gateway whose access tokens live for a few seconds: what is
// refused to nobody, what somebody may do, a subscription that outlives its tokens, a reload, the
// editor's own `signIn`, and signing out.
import { launch, visible, watch } from './chromium.mjs';
import { newCustomer, post, write } from './customers.mjs';
import {
  accountButton,
  ending,
  enterCredentials,
  execute,
  openExample,
  openPage,
  runExample,
  runLive,
  setVariables,
  showPanel,
  signIn,
} from './page.mjs';
import { register, signInAsAdmin } from './people.mjs';
import { program, until } from './program.mjs';

await program(180_000, async (base, check) => {
  const admin = await signInAsAdmin(base);
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(20_000);
    const seen = watch(page, base);
    await openPage(page, base);
    await refused(page, check);
    await wrongPassword(page, admin, check);
    await admitted(page, admin, check);
    await renewed(page, base, seen, check);
    await expired(page, base, seen, check);
    await reloaded(page, admin, check);
    await signedOut(page, check);
    const person = await register(base, 'Editor');
    await fromTheEditor(page, person, check);
    await revoked(page, base, person, check);
    const failed = seen.errors.filter((error) => !/\b40[01]\b/.test(error));
    check('nothing failed in the page but what was refused', failed.length === 0, failed);
  } finally {
    await browser.close();
  }
});

function hint(page) {
  return page.locator('.access-hint');
}

async function refused(page, check) {
  await page.getByRole('heading', { name: 'Account' }).waitFor();
  check('a first visit begins with signing in', await page.getByLabel('Password').isVisible());
  const { data } = await runExample(page, 'Who am I');
  check('nobody is nobody', data.me === null, data);
  const result = await runExample(page, 'List customers');
  check(
    'nobody may not list customers',
    result.errors?.[0].extensions.code === 'UNAUTHENTICATED',
    result,
  );
  await hint(page).getByText('Sign in to run this').waitFor();
  // Also with the panels put away.
  await page.getByRole('button', { name: 'Hide Examples' }).click();
  await hint(page).getByRole('button', { name: 'Sign in' }).click();
  await page.locator('[name=email]:focus').waitFor();
  const form = await page.locator('.account-form').boundingBox();
  check('the hint leads to the form', form.x > 0 && form.width > 100, form);
}

async function wrongPassword(page, { email }, check) {
  await enterCredentials(page, { email, password: 'not the password' });
  const alert = page.locator('.account-form [role=alert]');
  await alert.getByText('wrong').waitFor();
  check('a wrong password is told', true);
  check('nobody is signed in by it', (await accountButton(page).innerText()) === 'Sign in');
}

async function admitted(page, admin, check) {
  await signIn(page, admin);
  check('the page says who is signed in', (await accountButton(page).innerText()).includes('ADMIN'));
  check('the hint is gone', !(await hint(page).isVisible()));
  await page.getByRole('heading', { name: 'Examples' }).waitFor();
  const result = await runExample(page, 'Create a customer');
  check('an administrator creates a customer', result.data?.createCustomer, result);
  const { data } = await runExample(page, 'Who am I');
  check('the token goes with requests', data.me?.id === admin.id, data);
}

/** The token is renewed by pings on the same socket, and no event is missed. */
async function renewed(page, base, seen, check) {
  await runLive(page, 'Watch customers change');
  const sockets = seen.sockets;
  const renewals = () =>
    seen.framesSent.filter((frame) => frame.includes('"ping"') && frame.includes('Bearer'));
  for (const count of [1, 2, 3]) {
    await until(`renewal ${count}`, () => renewals().length >= count);
    const input = newCustomer(`renewed${count}`);
    await write(base, 'create', input);
    await visible(page, input.name);
  }
  check(
    'each renewal has a token of its own',
    new Set(renewals()).size === renewals().length,
    renewals(),
  );
  check('a subscription outlives its tokens on one socket', seen.sockets === sockets, seen.sockets);
}

/** A renewal that comes too late, as after the sleep of the machine: what ended with the token goes on behind its cursor. */
async function expired(page, base, seen, check) {
  const isEnded = () => seen.framesReceived.some((frame) => frame.includes('EXPIRED'));
  const hold = async (route) => {
    if (route.request().postData()?.includes('RenewSession')) await until('the end', isEnded);
    await route.continue();
  };
  await page.route('**/graphql', hold);
  await until('the token’s end', isEnded, 20_000);
  const input = newCustomer('late');
  await write(base, 'create', input);
  await visible(page, input.name);
  check('a subscription whose token ended goes on with the next');
  await page.unroute('**/graphql', hold);

  let refusals = 0;
  const refuseOnce = async (route) => {
    if (refusals || !route.request().postData()?.includes('query Me')) return route.continue();
    refusals += 1;
    const error = { message: 'expired', extensions: { code: 'UNAUTHENTICATED', reason: 'EXPIRED' } };
    return route.fulfill({ status: 401, json: { errors: [error] } });
  };
  await page.route('**/graphql', refuseOnce);
  const { data } = await runExample(page, 'Who am I');
  check('a request that was refused with its token is sent with the next', data.me && refusals === 1);
  await page.unroute('**/graphql', refuseOnce);
}

async function reloaded(page, admin, check) {
  const stored = () =>
    page.evaluate(() => JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage }));
  check('no token is stored while the page is open', !(await stored()).includes('refreshToken":"'));
  await page.reload();
  await accountButton(page).getByText(admin.name).waitFor();
  check('a reload keeps the session');
  check('and leaves no token in storage', !(await stored()).includes('millrace.refreshToken'));
  const { data } = await runExample(page, 'Who am I');
  check('its requests have a token', data.me?.id === admin.id, data);
}

async function signedOut(page, check) {
  await runLive(page, 'Watch customers change');
  await showPanel(page, 'Account');
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  const result = await ending(page);
  check(
    'signing out ends the subscription',
    result.extensions?.code === 'UNAUTHENTICATED',
    result,
  );
  await hint(page).getByText('Sign in to run this').waitFor();
  check('the hint is back');
  check('the page says so', (await accountButton(page).innerText()) === 'Sign in');
  const again = await runExample(page, 'List customers');
  check(
    'nobody may not list customers again',
    again.errors?.[0].extensions.reason === 'MISSING',
    again,
  );
}

/** `register` and `signIn` run as operations sign the page in too, and their passwords stay out of storage. */
async function fromTheEditor(page, person, check) {
  await openExample(page, 'Sign in');
  await setVariables(page, { input: { email: person.email, password: person.password } });
  await execute(page);
  await accountButton(page).getByText(person.name).waitFor();
  check('the editor’s signIn signs the page in');
  const result = await runExample(page, 'List customers');
  check('a member may not list customers', result.errors?.[0].extensions.code === 'FORBIDDEN', result);
  await hint(page).getByText('(MEMBER) may not').waitFor();
  check('the hint says why');
  await page.waitForTimeout(600); // GraphiQL stores its tabs half a second after a change
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage }));
  check('GraphiQL stored its tabs', stored.includes(person.email), stored);
  check('but no password', !stored.includes(person.password), stored);
}

/** Somebody ended the session elsewhere. */
async function revoked(page, base, person, check) {
  await runLive(page, 'Watch my chats');
  const everywhere = 'mutation { signOut(input: { everywhere: true }) { signedOut } }';
  // With a token of its own: those of the page end within seconds, and are the page's business.
  const signIn = 'mutation ($input: SignInInput!) { signIn(input: $input) { session { accessToken } } }';
  const input = { email: person.email, password: person.password };
  const { data: entered } = await post(base, signIn, { input }, null);
  const authorization = `Bearer ${entered.signIn.session.accessToken}`;
  const { data } = await post(base, everywhere, {}, authorization);
  check('a user signs out everywhere', data.signOut.signedOut >= 2, data);
  await hint(page).getByText('Sign in to run this').waitFor();
  await showPanel(page, 'Account');
  await page.locator('.account').getByText('Your session has ended').waitFor();
  check('the page says that its session has ended');
  check('and what ran ended', (await ending(page)).extensions.reason === 'REVOKED');
}
