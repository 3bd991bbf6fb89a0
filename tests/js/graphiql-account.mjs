// GraphiQL with the session of the app, on a gateway whose access tokens live for a few seconds: what is refused to nobody, what
// somebody may do, a subscription that outlives its tokens, a reload, the editor's own `signIn`, and signing out.
import { launch, visible, watch } from './chromium.mjs';
import { newCustomer, post, write } from './customers.mjs';
import {
  account,
  editor,
  ending,
  execute,
  openExample,
  openPage,
  runExample,
  runLive,
  setVariables,
  signIn,
} from './page.mjs';
import { register, signInAsAdmin } from './people.mjs';
import { program, soonMs, until } from './program.mjs';

await program(async (base, check) => {
  const admin = await signInAsAdmin(base);
  const browser = await launch();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(soonMs);
    const seen = watch(page, base);
    await openPage(page, base);
    await refused(page, check);
    await admitted(page, admin, check);
    await renewed(page, base, seen, check);
    await expired(page, base, seen, check);
    await reloaded(page, admin, check);
    await signedOut(page, admin, check);
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
  const { data } = await runExample(page, 'Who am I');
  check('nobody is nobody', data.me === null, data);
  const result = await runExample(page, 'List customers');
  check(
    'nobody may not list customers',
    result.errors?.[0].extensions.code === 'UNAUTHENTICATED',
    result,
  );
  await hint(page).getByText('Sign in to run this').waitFor();
  await hint(page).getByRole('link', { name: 'Sign in' }).click();
  await page.waitForURL('**/sign-in?next=/graphiql');
  check('the hint leads to where one signs in');
}

async function admitted(page, admin, check) {
  await signIn(page, admin);
  check('the page says who is signed in');
  check('the hint is gone', !(await hint(page).isVisible()));
  const result = await runExample(page, 'Create a customer');
  check('an administrator creates a customer', result.data?.createCustomer, result);
  const { data } = await runExample(page, 'Who am I');
  check('the token goes with requests', data.me?.id === admin.id, data);
}

/** The token is renewed by pings on the same socket, and no event is missed. */
async function renewed(page, base, seen, check) {
  await runLive(page, 'Watch customers change');
  const sockets = seen.sockets;
  // The frame has a socket of its own, which is told of the same tokens.
  const renewals = () =>
    [...new Set(seen.framesSent.filter((frame) => frame.includes('"ping"') && frame.includes('Bearer')))];
  for (const count of [1, 2, 3]) {
    await until(`renewal ${count}`, () => renewals().length >= count);
    const input = newCustomer(`renewed${count}`);
    await write(base, 'create', input);
    await visible(page, input.name);
  }
  check('a subscription outlives its tokens on one socket', seen.sockets === sockets, seen.sockets);
}

/** A renewal that comes too late, as after the sleep of the machine: what ended with the token goes on behind its cursor. */
async function expired(page, base, seen, check) {
  const isEnded = () => seen.framesReceived.some((frame) => frame.includes('EXPIRED'));
  const hold = async (route) => {
    if (route.request().postData()?.includes('RefreshInput')) await until('the end', isEnded);
    await route.continue();
  };
  await page.route('**/graphql', hold);
  await until('the token’s end', isEnded);
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
  await page.reload();
  await account(page, admin).waitFor();
  check('a reload keeps the session');
  const { data } = await runExample(page, 'Who am I');
  check('its requests have a token', data.me?.id === admin.id, data);
}

async function signedOut(page, admin, check) {
  await runLive(page, 'Watch customers change');
  await account(page, admin).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('link', { name: 'Sign in' }).first().waitFor();
  await editor(page).waitFor();
  check('signing out ends the subscription', await page.locator('.live-status').getByText('No live connection').isVisible());
  const again = await runExample(page, 'List customers');
  check(
    'nobody may not list customers again',
    again.errors?.[0].extensions.reason === 'MISSING',
    again,
  );
}

/** `register` and `signIn` run as operations offer to go on with what they answer, and their passwords stay out of storage. */
async function fromTheEditor(page, person, check) {
  await openExample(page, 'Sign in');
  await setVariables(page, { input: { email: person.email, password: person.password } });
  await execute(page);
  const storage = () => page.evaluate(() => JSON.stringify({ ...localStorage }));
  // GraphiQL stores its tabs half a second after a change, and whoever goes on sooner has another editor.
  await until('the tabs to be stored', async () => (await storage()).includes(person.email));
  await page.getByRole('button', { name: `Go on as ${person.name}` }).click();
  await account(page, person).waitFor();
  await editor(page).waitFor();
  check('the session that the editor’s signIn began can be gone on with');
  const result = await runExample(page, 'List customers');
  check('a member may not list customers', result.errors?.[0].extensions.code === 'FORBIDDEN', result);
  await hint(page).getByText('has the role member and may not').waitFor();
  check('the hint says why');
  const stored = await storage();
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
  await page.getByRole('dialog').getByText('Your session ended').waitFor();
  check('the page says that its session has ended');
  check('and what ran ended', (await ending(page)).extensions.reason === 'REVOKED');
}
