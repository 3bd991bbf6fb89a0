// Customers, students and users in the web app, in two browsers that see each other's changes: thousands of rows, edits that meet,
// deletions and their undoing, many at once, an import, roles and presence. With ROWS=10000 it scrolls through as many.
import { violations } from './accessibility.mjs';
import { launch, watch } from './chromium.mjs';
import { post } from './customers.mjs';
import { register, signInAsAdmin } from './people.mjs';
import { program, soonMs, until } from './program.mjs';

const tag = `q${Math.random().toString(36).slice(2, 8)}`;
const name = `Zed ${tag}`;
const rows = Number(process.env.ROWS ?? 300);
/** Sixty frames a second leave a frame this long. */
const frameMs = 1000 / 60;
/** Rows without any framework that a browser draws from nothing within such a frame, on the machine of that limit. */
const plainRows = 300;

await program(async (base, check) => {
  const grace = await register(base, 'Grace');
  const member = await register(base, 'Omar');
  const admin = await signInAsAdmin(base);
  const setRole = 'mutation ($input: SetRoleInput!) { setRole(input: $input) { user { id } } }';
  await post(base, setRole, { input: { id: grace.id, role: 'STAFF' } }, admin.authorization);
  await seed(base, admin.authorization);

  const browser = await launch();
  const [ann, bea] = await Promise.all([
    enter(browser, base, admin, '/customers'),
    enter(browser, base, grace, `/customers?search=${tag}`),
  ]);
  await scrolls(ann.page, check);
  await customers(ann.page, bea.page, check);
  await many(ann.page, bea.page, base, check);
  await imports(ann.page, bea.page, base, check);
  await users(ann.page, bea, base, { grace, member }, check);
  for (const { seen } of [ann, bea]) {
    // A token that ends on the way is renewed, and what it was sent with is sent again.
    const errors = seen.errors.filter((error) => !error.includes('401'));
    check('nothing failed', errors.length === 0, errors);
    check('nothing came from elsewhere', seen.foreign.length === 0, seen.foreign);
  }
  await browser.close();
});

async function seed(base, authorization) {
  const create = 'mutation ($input: CreateCustomersInput!) { createCustomers(input: $input) { done } }';
  for (let start = 0; start < rows; start += 500) {
    const part = Array.from({ length: Math.min(500, rows - start) }, (_, at) => ({
      name: `Row ${String(start + at).padStart(5, '0')}`,
      email: `row.${start + at}.${tag}@rows.example.com`,
    }));
    await post(base, create, { input: { rows: part } }, authorization);
  }
}

async function enter(browser, base, { email, password }, path) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(soonMs);
  const seen = watch(page, base);
  await page.goto(`${base}/sign-in?next=${encodeURIComponent(path)}`);
  await page.getByLabel('Email').fill(email);
  await page.locator('input[type=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: /Customers/ }).waitFor();
  return { context, page, seen };
}

/** Dialogs only: the pages are looked at by app-pages.mjs. */
async function judge(page, check, what) {
  const found = await violations(page, {}, '[role=dialog]');
  const told = found.map(({ id, nodes }) => `${id} ${nodes[0].html.slice(0, 200)}`);
  check(`${what} is accessible`, found.length === 0, told);
}

/** Scrolls to the end, and counts what a frame costs on the page's main thread: how long it takes is the machine's business, too. */
async function scrolls(page, check) {
  const { pathname } = new URL(page.url());
  await page.goto(new URL(`${pathname}?search=${tag}&sort=NAME`, page.url()).href);
  await page.getByRole('link', { name: 'Row 00000' }).waitFor();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => {
    const { metrics } = await devtools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value * 1_000;
  };
  // A slower machine has as much more time.
  let plainMs = Infinity;
  for (let turn = 0; turn < 5; turn += 1) {
    const before = await spent();
    await page.evaluate(drawPlainly, plainRows);
    plainMs = Math.min(plainMs, (await spent()) - before);
  }
  const limit = Math.max(frameMs, plainMs);
  const before = await spent();
  const { frames, late, end } = await page.evaluate(async (count) => {
    const list = [...document.querySelectorAll('[role=rowgroup]')].at(-1);
    let [frames, late, still, last] = [0, 0, 0, performance.now()];
    while (still < 600 && list.scrollTop < count * 36 - list.clientHeight) {
      const top = list.scrollTop;
      list.scrollTop += 400;
      await new Promise(requestAnimationFrame);
      still = list.scrollTop === top ? still + 1 : 0;
      // Waiting for a page costs nothing.
      if (still === 0) frames += 1;
      if (performance.now() - last > 50) late += 1;
      last = performance.now();
    }
    return { frames, late, end: list.scrollTop };
  }, rows);
  const cost = (await spent() - before) / frames;
  check(`${rows} rows, ${frames} frames: ${cost.toFixed(1)} ms a frame (${late} took longer than 50 ms here)`, cost < limit, { cost, limit });
  await page.getByRole('link', { name: `Row ${String(rows - 1).padStart(5, '0')}` }).waitFor();
  const drawn = await page.getByRole('row').count();
  check('the last row is there, and few are drawn', drawn < 80, { drawn, end });
}

function drawPlainly(count) {
  const body = document.createElement('div');
  for (let at = 0; at < count; at += 1) {
    const row = body.appendChild(document.createElement('div'));
    row.style.display = 'flex';
    for (let cell = 0; cell < 6; cell += 1) {
      row.appendChild(document.createElement('span')).textContent = `Cell ${cell} of ${at}`;
    }
  }
  document.body.append(body);
  const { height } = body.getBoundingClientRect();
  body.remove();
  return height;
}

async function customers(ann, bea, check) {
  const [link, field] = [(page, text) => page.getByRole('link', { name: text }), (page, label) => page.getByRole('textbox', { name: label, exact: true })];
  await ann.keyboard.press('n');
  const dialog = ann.getByRole('dialog');
  await field(dialog, 'Name').fill(name);
  await field(dialog, 'Email address').fill('no address');
  await dialog.getByRole('button', { name: 'Add customer' }).click();
  await dialog.getByText('must be an email address').waitFor();
  await judge(ann, check, 'a form with a violation');
  await field(dialog, 'Email address').fill(`zed.${tag}@example.com`);
  await dialog.getByRole('button', { name: 'Add customer' }).click();
  await link(bea, name).waitFor();
  check('what one adds appears in the list of the other', await bea.getByText('Prospect', { exact: true }).count());
  await link(bea, name).click();
  const [mine, theirs] = [ann, bea].map((page) => page.getByRole('complementary', { name: 'Details' }));
  await mine.getByRole('button', { name: /Prospect/ }).click();
  await ann.getByRole('menuitem', { name: 'Active' }).click();
  await theirs.getByRole('button', { name: /Active/ }).waitFor();
  const history = theirs.getByRole('list', { name: 'History' });
  await history.getByText('changed the customer').waitFor();
  const told = await history.getByRole('listitem').first().innerText();
  check('the history says what it was and is', /Prospect\s*→\s*Active/.test(told), told);

  // Both edit; the other saves first.
  for (const pane of [mine, theirs]) await pane.getByRole('button', { name: 'Edit' }).click();
  await field(mine, 'Phone').fill('+44 1');
  await field(mine, 'Name').fill(`${name} of Ann`);
  await field(theirs, 'Name').fill(`${name} of Bea`);
  await theirs.getByRole('combobox', { name: 'Status' }).selectOption('Suspended');
  await theirs.getByRole('button', { name: 'Save' }).click();
  await mine.getByText('changed this, too').waitFor();
  check('what was typed stays when somebody else saves', (await field(mine, 'Phone').inputValue()) === '+44 1');
  await mine.getByRole('button', { name: 'Save' }).click();
  const merge = ann.getByRole('dialog', { name: 'Two versions' });
  await merge.getByText(`${name} of Bea`).waitFor();
  await judge(ann, check, 'the two versions');
  const save = merge.getByRole('button', { name: /to choose|Save this/ });
  check('what both changed must be chosen', await save.isDisabled(), await save.innerText());
  await merge.getByRole('group', { name: /^Name/ }).getByLabel(`${name} of Ann`).check();
  await merge.getByRole('button', { name: 'Save this' }).click();
  await theirs.getByRole('heading', { name: `${name} of Ann` }).waitFor();
  await theirs.getByText('+44 1').first().waitFor();
  await theirs.getByRole('button', { name: /Suspended/ }).waitFor();
  check('and what only one changed is kept');
  await until('the merged version in the history', async () => (await history.getByText('changed the customer').count()) === 3);

  await mine.getByRole('button', { name: 'Edit' }).click();
  await field(mine, 'Phone').fill('+44 2');
  ann.once('dialog', (asked) => asked.accept());
  await ann.reload();
  check('a reload keeps what was typed', await until('the form', () => field(mine, 'Phone').inputValue()) === '+44 2');
  await mine.getByRole('button', { name: 'Discard' }).click();

  await mine.getByRole('button', { name: 'More actions' }).click();
  await ann.getByRole('menuitem', { name: 'Delete' }).click();
  await theirs.getByText('This customer was deleted').waitFor();
  await link(bea, `${name} of Ann`).waitFor({ state: 'detached' });
  await ann.getByRole('button', { name: 'Undo' }).click();
  await link(bea, `${name} of Ann`).waitFor();
  await theirs.getByRole('button', { name: 'Edit' }).waitFor();
  check('a deletion is seen, and undone, at once');
}

async function many(ann, bea, base, check) {
  const { href } = new URL(`/customers?search=${tag}&sort=NAME`, ann.url());
  for (const page of [ann, bea]) await page.goto(href);
  const row = (page, number) => page.getByRole('row').filter({ hasText: `Row ${String(number).padStart(5, '0')}` });
  const box = (number) => row(ann, number).getByRole('checkbox');
  await box(2).click();
  await box(5).click({ modifiers: ['Shift'] });
  await ann.getByText('4 selected').waitFor();
  await row(ann, 8).getByRole('link').focus();
  await ann.keyboard.press('x');
  await ann.getByText('5 selected').waitFor();
  await ann.getByRole('button', { name: 'Set the status' }).click();
  await ann.getByRole('menuitem', { name: 'Closed' }).click();
  await row(bea, 5).getByText('Closed').waitFor();
  await row(bea, 8).getByText('Closed').waitFor();
  check('what is between two rows is left alone', (await row(bea, 6).getByText('Prospect').count()) === 1);
  await ann.getByRole('button', { name: 'Undo' }).click();
  await row(bea, 5).getByText('Prospect').waitFor();
  check('many are changed, and get back what they had');
  await ann.getByLabel('Select all that are loaded').click();
  await ann.getByRole('button', { name: /^Select (all|the first)/ }).click();
  const all = (rows + 1).toLocaleString('en');
  await ann.getByText(`${all} selected`).waitFor();
  await ann.getByRole('button', { name: 'Delete', exact: true }).click();
  await bea.getByText('No customer is like this').waitFor();
  await ann.getByText(`${all} customers were deleted`).waitFor();
  await ann.getByRole('button', { name: 'Undo' }).last().click();
  await bea.getByText(`${all} in all`).waitFor();
  check(`all ${all} are deleted, and come back`);

  await box(10).click();
  await box(11).click();
  await ann.getByRole('button', { name: 'Delete', exact: true }).click();
  await row(bea, 11).waitFor({ state: 'detached' });
  const taken = { name: `Taken ${tag}`, email: `row.10.${tag}@rows.example.com` };
  const create = 'mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { customer { id } } }';
  await post(base, create, { input: taken }, (await signInAsAdmin(base)).authorization);
  await ann.goto(`${href}&record=DELETED`);
  await ann.getByText('2 in all').waitFor();
  await ann.getByLabel('Select all that are loaded').click();
  await ann.getByRole('button', { name: 'Restore' }).click();
  const refused = ann.getByRole('dialog', { name: '1 stayed as they were' });
  await refused.getByText('Row 00010').waitFor();
  await row(bea, 11).waitFor();
  check('what cannot be done is told, with the reason', /another customer/.test(await refused.innerText()), await refused.innerText());
}

async function imports(ann, bea, base, check) {
  await ann.goto(`${base}/students?import=file`);
  await bea.goto(`${base}/students?search=${tag}`);
  const dialog = ann.getByRole('dialog');
  const good = Array.from({ length: 300 }, (_, at) => `Emmy ${at};emmy.${at}.${tag}@example.com;Mathematics;on leave`);
  const bad = ['Nobody;;Mathematics;Enrolled', 'Wrong;no address;Mathematics;Enrolled'];
  const lines = ['Full name;E-mail;Course;State', ...good.slice(0, 10), ...bad, ...good.slice(10)];
  const file = { name: 'students.csv', mimeType: 'text/csv', buffer: Buffer.from(lines.join('\r\n')) };
  const send = async (isFirst) => {
    await dialog.locator('input[type=file]').setInputFiles(file);
    await dialog.getByText('1 row is incomplete').waitFor();
    if (isFirst) await judge(ann, check, 'the preview of a file');
    await dialog.getByRole('button', { name: 'Import 301 students' }).click();
    await dialog.getByText('Imported 302 of 302 rows').waitFor();
    const numbers = await dialog.locator('dl').innerText();
    return numbers.split(/\s*\n\s*/).join(' ');
  };
  const first = await send(true);
  check('an import says what became of the rows', first === 'Added 300 Changed 0 As they were 0 Refused 2', first);
  const refused = await dialog.getByRole('region', { name: 'Refused rows' }).innerText();
  check('and of each that was refused why', /12\s+Nobody.*Enter the email/s.test(refused) && /13\s+Wrong.*must be an email/s.test(refused), refused);
  const download = ann.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download the refused rows' }).click();
  check('they can be mended', (await download).suggestedFilename() === 'refused-students.csv');
  await bea.getByText('300 in all').waitFor();
  await until('their rows', async () => (await bea.getByText('On leave', { exact: true }).count()) > 5);
  check('the other sees the students come');
  await dialog.getByRole('button', { name: 'Another file' }).click();
  const again = await send(false);
  check('an import can be repeated', again === 'Added 0 Changed 0 As they were 300 Refused 2', again);
  await dialog.getByRole('button', { name: 'Done' }).click();
}

async function users(ann, bea, base, { grace, member }, check) {
  await ann.goto(`${base}/users`);
  await bea.page.goto(`${base}/users`);
  const row = (page, { name }) => page.getByRole('row').filter({ hasText: name });
  await row(ann, grace).getByText('Online').waitFor();
  check('who is here is shown');
  await row(ann, member).getByRole('link').click();
  await ann.getByRole('complementary', { name: 'Details' }).getByRole('button', { name: 'Member' }).click();
  await ann.getByRole('menuitem', { name: 'Staff' }).click();
  await row(bea.page, member).getByText('Staff').waitFor();
  check('a role is given, and seen by others');
  await row(bea.page, member).getByRole('link').click();
  await bea.page.getByText('gave another role').waitFor();
  check('only administrators manage accounts', (await bea.page.getByRole('button', { name: 'Manage the account' }).count()) === 0);
  await ann.getByRole('button', { name: 'Manage the account' }).click();
  await ann.getByRole('menuitem', { name: 'Deactivate' }).click();
  await ann.getByRole('dialog').getByRole('button', { name: 'Deactivate' }).click();
  await row(bea.page, member).waitFor({ state: 'detached' });
  await bea.page.getByText('This account is deactivated').waitFor();
  check('an account that is deactivated leaves the list');
  await bea.context.close();
  await row(ann, grace).getByText('Offline').waitFor();
  check('who leaves is shown to be gone');
}
