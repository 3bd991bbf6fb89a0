// An account from its registration to its end: what is refused stands at its field, what another device does is seen at once, and
// a role that is given shows without a reload.
import { connectionIs, register, visit } from './app.mjs';
import { launch } from './chromium.mjs';
import { post } from './customers.mjs';
import { program, until } from './program.mjs';

const mary = { name: 'Mary Shelley', email: 'mary@example.com', password: 'a lake in a wet summer' };
const documents = {
  signIn: 'mutation ($input: SignInInput!) { signIn(input: $input) { session { accessToken } user { id } } }',
  updateProfile: 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { user { name } } }',
  setRole: 'mutation ($input: SetRoleInput!) { setRole(input: $input) { user { role } } }',
};

await program(400_000, async (base, check) => {
  const browser = await launch();
  const { page, seen } = await visit(browser, base);
  /** As from another device. */
  const elsewhere = async (password) => {
    const input = { email: mary.email, password };
    const { data } = await post(base, documents.signIn, { input }, null);
    return { id: data.signIn.user.id, authorization: `Bearer ${data.signIn.session.accessToken}` };
  };

  await page.goto(`${base}/register`);
  await page.getByLabel(/^Name/).fill('Ada');
  await page.getByLabel('Email').fill('ada@example.com');
  await page.locator('input[type=password]').fill('short');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('must have 8 to 128 characters').waitFor();
  await page.locator('input[type=password]').fill(mary.password);
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('another user has this email address').waitFor();
  check('what is refused stands at its field');
  await register(page, base, mary);

  const sessions = page.getByRole('listitem').filter({ hasText: 'Signed in' });
  await until('one session', async () => (await sessions.count()) === 1);
  const other = await elsewhere(mary.password);
  await until('the session of the other device', async () => (await sessions.count()) === 2);
  await page.getByRole('button', { name: /^End the session of/ }).click();
  await until('its end', async () => (await sessions.count()) === 1);
  const refused = await post(base, '{ me { id } }', {}, other.authorization).catch(({ message }) => message);
  check('a session that is ended here is refused there', /UNAUTHENTICATED/.test(String(refused)), refused);

  const again = await elsewhere(mary.password);
  await page.getByLabel(/^Name/).fill('Mary W. Shelley');
  await post(base, documents.updateProfile, { input: { name: 'Mary G. Shelley', bio: 'Written elsewhere' } }, again.authorization);
  await page.getByRole('alert').getByText('Mary G. Shelley').waitFor();
  check('what only the other changed is taken', (await page.getByLabel('About you').inputValue()) === 'Written elsewhere');
  check('what one typed stays', (await page.getByLabel(/^Name/).inputValue()) === 'Mary W. Shelley');
  check('and is not saved unseen', await page.getByRole('button', { name: 'Save profile' }).isDisabled());
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByRole('button', { name: 'Save profile' }).click();
  await page.getByRole('button', { name: 'Account of Mary W. Shelley' }).first().waitFor();
  check('and can be kept');

  const places = page.getByRole('navigation', { name: 'Pages' }).first();
  check('a member has no customers', (await places.getByRole('link', { name: 'Customers' }).count()) === 0);
  await post(base, documents.setRole, { input: { id: again.id, role: 'STAFF' } });
  await places.getByRole('link', { name: 'Customers' }).waitFor();
  check('a role that is given shows without a reload');

  await page.getByLabel('Current password').fill('not this one');
  await page.getByLabel('New password').fill('a second lake, much drier');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('The email address or the password is wrong').waitFor();
  await page.getByLabel('Current password').fill(mary.password);
  await page.getByLabel('New password').fill('a second lake, much drier');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Your password is changed.').waitFor();
  await elsewhere('a second lake, much drier');
  await connectionIs(page, /Live/);
  check('a new password is the password, and this session goes on');

  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.waitForURL(`${base}/`);
  await page.goto(`${base}/settings`);
  await page.getByRole('heading', { name: 'Sign in to see this page' }).waitFor();
  check('who signs out is out');

  await page.goto(`${base}/forgot-password`);
  await page.getByLabel('Email').fill(mary.email);
  await page.getByRole('button', { name: 'Send me a mail' }).click();
  await page.getByText('a mail is on its way there').waitFor();
  await page.goto(`${base}/reset-password?token=spent`);
  await page.locator('input[type=password]').fill('a third lake, quite frozen');
  await page.getByRole('button', { name: 'Set the password' }).click();
  await page.getByText('The link does not work any more').waitFor();
  check('a forgotten password is asked for, and a spent link says so');
  check('nothing failed', seen.errors.length === 0, seen.errors);
  await browser.close();
});
