// An account from its registration to its end: what is refused stands at its field, what another device does is seen at once, a
// picture shows to everybody, and a role that is given shows without a reload.
import { connectionIs, enterAs, register, visit } from './app.mjs';
import { launch } from './chromium.mjs';
import { post } from './customers.mjs';
import { program, until } from './program.mjs';

const mary = { name: 'Mary Shelley', username: 'mary_s', email: 'mary@example.com', password: 'a lake in a wet summer' };
const documents = {
  signIn: 'mutation ($input: SignInInput!) { signIn(input: $input) { session { accessToken } user { id } } }',
  updateProfile: 'mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { user { name } } }',
  setRole: 'mutation ($input: SetRoleInput!) { setRole(input: $input) { user { role } } }',
};

await program(async (base, check) => {
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
  await page.getByLabel('Username').fill('1st');
  await page.getByRole('button', { name: 'Make the account' }).click();
  await page.getByText('must have only letters from a to z').waitFor();
  check('what is refused stands at its field');
  await register(page, base, mary);
  check('a username is chosen with the account', (await page.getByLabel('Username').inputValue()) === mary.username);

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
  const username = page.getByLabel('Username');
  await username.fill('Mary_Wollstonecraft');
  await page.getByRole('button', { name: 'Save profile' }).click();
  await until('the username as it is kept', async () => (await username.inputValue()) === 'mary_wollstonecraft');
  const isClean = await page.getByRole('button', { name: 'Save profile' }).isDisabled();
  check('what the gateway writes in another way is no conflict', isClean && (await page.getByText('Keep mine').count()) === 0);
  await pictures(browser, page, base, check);

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

/** Mary's picture is set, replaced, refused and removed, while Ada looks at the list of users. */
async function pictures(browser, page, base, check) {
  const { context, page: others, seen } = await visit(browser, base);
  await enterAs(others, base, 'Ada');
  const row = others.getByRole('row').filter({ hasText: 'Mary W. Shelley' });
  await row.getByText('MS', { exact: true }).waitFor();
  const address = others.url();
  let loads = 0;
  others.on('load', () => {
    loads += 1;
  });
  const [red, blue] = [await pngOf(page, 'red'), await pngOf(page, 'blue')];

  await choose(page, 'red.png', red);
  await page.getByText('Your picture is saved.').last().waitFor();
  const account = page.getByRole('button', { name: 'Account of Mary W. Shelley' }).first();
  for (const where of [row, account]) await shows(where, 'red');
  check('a picture shows beside the name, here and to others');
  await choose(page, 'blue.png', blue);
  for (const where of [row, account]) await shows(where, 'blue');
  check('another takes its place');

  const refusal = page.getByRole('alert').filter({ hasText: 'must be a picture in JPEG, PNG or WebP' });
  const text = Buffer.from('This is no picture, whatever its name says.');
  for (let times = 1; times <= 2; times += 1) {
    const { errors } = await choose(page, 'notes.png', text);
    check('what is no picture is refused, and it is said why', errors?.[0].extensions.violations[0].field === 'picture', errors);
    await refusal.waitFor();
  }
  await shows(row, 'blue');
  for (let times = 1; times <= 2; times += 1) {
    const { data } = await choose(page, 'red.png', red);
    check('the same file can be chosen again', data?.setAvatar.user.avatarUrl, data);
    await shows(row, 'red');
  }
  check('what was wrong is said no more', (await refusal.count()) === 0);

  await page.getByRole('button', { name: 'Remove picture' }).click();
  await row.getByText('MS', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Remove picture' }).waitFor({ state: 'detached' });
  check('a picture that is removed is gone', (await row.locator('img').count()) === 0 && (await account.locator('img').count()) === 0);
  await choose(page, 'red.png', red);
  await shows(row, 'red');
  check('and can be set again');
  check('all of it without a reload', loads === 0 && others.url() === address, [loads, others.url()]);
  check('nothing failed for others', seen.errors.length === 0, seen.errors);
  await context.close();
}

/** Chooses a file as a person does, by the dialog of the browser, and gives back what the gateway answers. */
async function choose(page, name, buffer) {
  const opening = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose a picture…' }).click();
  const chooser = await opening;
  // Chromium tells nobody of a file that is in the field already; a test's choice is told always.
  const held = await chooser.element().evaluate((field) => field.value);
  if (held) throw new Error(`${held} could not be chosen again`);
  const answering = page.waitForResponse((response) => response.request().headers()['content-type']?.startsWith('multipart/'));
  await chooser.setFiles({ name, mimeType: 'image/png', buffer });
  return (await answering).json();
}

/** A picture that is wider than high, of one colour with a white edge that is cut away. */
async function pngOf(page, colour) {
  const url = await page.evaluate((colour) => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 600, height: 200 });
    const context = canvas.getContext('2d');
    context.fillStyle = 'white';
    context.fillRect(0, 0, 600, 200);
    context.fillStyle = colour;
    context.fillRect(200, 0, 200, 200);
    return canvas.toDataURL('image/png');
  }, colour);
  return Buffer.from(url.split(',')[1], 'base64');
}

/** Until the picture there is loaded, and has this colour in its corners and its middle. */
function shows(where, colour) {
  return until(`a picture in ${colour}`, () => where.locator('img').evaluateAll((images, colour) => {
    const image = images[0];
    if (!image?.complete || image.naturalWidth === 0) return false;
    const { naturalWidth: width, naturalHeight: height } = image;
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    return [[8, 8], [width / 2, height / 2], [width - 9, height - 9]].every(([x, y]) => {
      const [red, , blue] = context.getImageData(x, y, 1, 1).data;
      return colour === 'red' ? red > 200 && blue < 60 : blue > 200 && red < 60;
    });
  }, colour));
}
