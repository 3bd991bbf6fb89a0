// Chats in two browsers that see each other, at two gateways if there are two: writing, typing, states, edits and deletions; what is unread; what is written without a
// network, also over a reload; members who come and go; and the past, read back while it stays where it is.
import { connectionIs, enterAs, isTooWide, issues, visit } from './app.mjs';
import { launch } from './chromium.mjs';
import { post } from './customers.mjs';
import { program, until } from './program.mjs';

const run = Math.random().toString(36).slice(2, 8);
const title = `Engine room ${run}`;

await program(async (base, check, other) => {
  const browser = await launch();
  const [ada, grace] = [await visit(browser, base), await visit(browser, other)];
  await enterAs(ada.page, base, 'Ada', '/chats');
  await enterAs(grace.page, other, 'Grace', '/posts');
  const log = ({ page }) => page.getByRole('log', { name: 'Messages' });
  const shown = (who, text) => log(who).getByText(text, { exact: true });
  const field = ({ page }) => page.getByRole('textbox', { name: `Message to ${title}` });
  const write = async (who, text) => {
    await field(who).fill(text);
    await field(who).press('Enter');
  };
  /** How often a text is there. */
  const count = async (who, text) => shown(who, text).count();

  // A group is made, and news of it comes to a page that shows something else.
  await ada.page.getByRole('button', { name: 'New chat' }).click();
  const dialog = ada.page.getByRole('dialog', { name: 'New chat' });
  await dialog.getByRole('combobox', { name: 'With' }).or(dialog.getByPlaceholder('Type a name')).first().fill('grac');
  await ada.page.getByRole('option', { name: /Grace/ }).click();
  await dialog.getByRole('textbox', { name: 'Title' }).fill(title);
  await dialog.getByRole('button', { name: 'Create group' }).click();
  await ada.page.getByRole('heading', { name: title }).waitFor();
  await write(ada, `first ${run}`);
  const place = grace.page.getByRole('navigation', { name: 'Pages' }).first().getByRole('link', { name: /^Chats/ });
  await until('the count in the rail', async () => /\d\+? unread/.test(await place.innerText().then((it) => it.replace(/\s+/g, ' '))));
  check('a new message is told on another page', await grace.page.title().then((it) => /^\(\d+\)/.test(it)), await grace.page.title());
  await grace.page.getByRole('button', { name: new RegExp(`in ${title}`) }).click();
  await shown(grace, `first ${run}`).waitFor();
  await grace.page.getByText('New', { exact: true }).waitFor();
  check('it leads to the chat, where the unread begin');

  // States, typing, edits and deletions.
  await grace.page.bringToFront();
  const mark = log(ada).getByRole('button', { name: 'Seen', exact: true });
  await mark.waitFor();
  check('its author is told that it was seen');
  await connectionIs(grace.page, /Live/);
  // Who types tells so every few seconds, and only who is there hears it: a line may be renewed at that moment.
  const typing = ada.page.getByText('Grace is typing…');
  await until('the typing', async () => {
    await field(grace).pressSequentially('.', { delay: 200 });
    return typing.isVisible();
  });
  await field(grace).fill('I am typ');
  await ada.page.reload();
  await field(grace).press('Enter');
  await shown(ada, 'I am typ').waitFor();
  check('typing shows, and what was typed arrives');
  await field(grace).press('ArrowUp');
  await grace.page.getByRole('textbox', { name: 'Edit message' }).fill(`typed ${run}`);
  await grace.page.keyboard.press('Enter');
  await shown(ada, `typed ${run}`).waitFor();
  check('an edit replaces the message', (await count(ada, 'I am typ')) === 0);
  const edit = grace.page.getByRole('textbox', { name: 'Edit message' });
  const beginEdit = async () => {
    await shown(grace, `typed ${run}`).waitFor();
    await field(grace).press('ArrowUp');
  };
  await beginEdit();
  await edit.fill(`half an edit ${run}`);
  await grace.page.reload();
  await beginEdit();
  check('an edit that is not saved outlives a reload', (await edit.inputValue()) === `half an edit ${run}`);
  await edit.press('Escape');
  await beginEdit();
  check('and not its end', (await edit.inputValue()) === `typed ${run}`);
  await edit.press('Escape');
  await write(grace, `regretted ${run}`);
  await shown(ada, `regretted ${run}`).waitFor();
  await shown(grace, `regretted ${run}`).hover();
  await log(grace).getByRole('button', { name: 'Delete message' }).last().click();
  await grace.page.getByRole('dialog').getByRole('button', { name: 'Delete message' }).click();
  await until('the deletion', async () => (await count(ada, `regretted ${run}`)) === 0);
  await log(ada).getByText('Message deleted').waitFor();
  check('a deletion takes the text away');

  // Without a network: kept over a reload, sent once, in order.
  await field(ada).fill(`half a thought ${run}`);
  await ada.page.reload();
  await until('the draft', async () => (await field(ada).inputValue()) === `half a thought ${run}`);
  check('a draft outlives a reload');
  await ada.context.setOffline(true);
  await connectionIs(ada.page, /Offline/);
  for (const text of ['one', 'two', 'two']) await write(ada, `${text} ${run}`);
  await log(ada).getByText('Waits for the network').first().waitFor();
  check('what is written offline is shown as waiting', (await count(ada, `two ${run}`)) === 2);
  await ada.context.setOffline(false);
  await until('what waited', async () => (await count(grace, `two ${run}`)) === 2);
  await until('nothing that waits', async () => (await log(ada).getByText(/Waits|Sending/).count()) === 0);
  const told = async (who) => (await log(who).locator('article').allInnerTexts()).join('\n');
  for (const who of [ada, grace]) {
    const [ones, twos] = [await count(who, `one ${run}`), await count(who, `two ${run}`)];
    check('each is there once, in order', ones === 1 && twos === 2 && /one [^]*two [^]*two /.test(await told(who)), [ones, twos]);
  }

  // The past is read back, and what is looked at stays where it is.
  const chatId = new URL(ada.page.url()).pathname.split('/').at(-1);
  const token = () => ada.page.evaluate(() => {
    const stored = Object.values(sessionStorage).find((text) => text.includes('accessToken'));
    return JSON.parse(stored).accessToken;
  });
  // As many as a document may ask for at once.
  for (const first of [1, 46]) {
    const fields = Array.from({ length: 45 }, (_, place) => {
      const text = `row ${first + place}`;
      return `m${place}: sendMessage(input: { chatId: "${chatId}", text: "${text}" }) { message { id } }`;
    });
    // A token may end on its way; then nothing was sent.
    await until('the messages are sent', async () => {
      const sending = post(base, `mutation { ${fields.join(' ')} }`, {}, `Bearer ${await token()}`);
      return sending.then(() => true, (error) => {
        if (!error.message.startsWith('HTTP 401')) throw error;
      });
    });
  }
  await shown(grace, 'row 90').waitFor();
  await log(grace).hover();
  let last;
  for (let turns = 0; turns < 1_000 && (await count(grace, `first ${run}`)) === 0; turns += 1) {
    await grace.page.mouse.wheel(0, -500);
    await grace.page.waitForTimeout(60);
    const top = await log(grace).evaluate((it) => {
      const { top } = it.getBoundingClientRect();
      const row = [...it.querySelectorAll('article')].find((row) => row.getBoundingClientRect().bottom > top + 40);
      return Number(/row (\d+)/.exec(row?.innerText ?? '')?.[1]);
    });
    if (last && top > last + 2) throw new Error(`it jumped from row ${last} to row ${top}`);
    if (top) last = top;
  }
  await shown(grace, `first ${run}`).waitFor();
  check('older messages come as they are scrolled to, and nothing jumps');
  await write(ada, `newest ${run}`);
  const down = grace.page.getByRole('button', { name: /^New(est| messages)$/ });
  await until('the newest', async () => {
    if (await shown(grace, `newest ${run}`).isVisible()) return true;
    // A wheel that still turns leads away again.
    await down.click({ timeout: 1_000 }).catch(() => {});
    return false;
  });
  check('and a click leads to the newest');

  // Members.
  const settings = ({ page }) => page.getByRole('button', { name: /members and settings/ });
  await settings(ada).click();
  const drawer = ada.page.getByRole('dialog', { name: 'Members and settings' });
  await drawer.getByRole('textbox', { name: 'Title' }).fill(`${title}!`);
  await drawer.getByRole('button', { name: 'Rename' }).click();
  await grace.page.getByRole('heading', { name: `${title}!` }).waitFor();
  check('a new title shows to all');
  await drawer.getByRole('button', { name: /^Remove Grace/ }).click();
  await grace.page.getByText('You are not in this chat').waitFor();
  check('who is removed is told');
  await ada.page.getByRole('button', { name: 'Undo' }).click();
  await drawer.getByRole('link', { name: /Grace/ }).waitFor();
  await grace.page.getByRole('link', { name: new RegExp(`${title}!`) }).click();
  await grace.page.getByRole('button', { name: /2 members and settings/ }).waitFor();
  await drawer.getByRole('button', { name: 'Close' }).click();
  await settings(grace).click();
  await grace.page.getByRole('button', { name: 'Leave group' }).click();
  await grace.page.getByRole('dialog', { name: /^Leave/ }).getByRole('button', { name: 'Leave group' }).click();
  await grace.page.getByText('Choose a chat').waitFor();
  await ada.page.getByRole('button', { name: /1 members and settings/ }).waitFor();
  check('members come back, and leave by themselves');

  // A chat that comes while the list is open, and is read.
  const fresh = `Boiler room ${run}`;
  const asAda = (query, input) => until('an answer', async () => {
    const asking = post(base, query, { input }, `Bearer ${await token()}`);
    return asking.catch((error) => {
      if (!error.message.startsWith('HTTP 401')) throw error;
    });
  });
  const graceId = await grace.page.evaluate(() => {
    const stored = Object.values(sessionStorage).find((text) => text.includes('accessToken'));
    return JSON.parse(stored).userId;
  });
  const created = await asAda('mutation ($input: CreateChatInput!) { createChat(input: $input) { chat { id } } }', {
    title: fresh,
    memberIds: [graceId],
  });
  await asAda('mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }', {
    chatId: created.data.createChat.chat.id,
    text: `steam ${run}`,
  });
  await grace.page.bringToFront();
  const entry = grace.page.getByRole('link', { name: new RegExp(fresh) });
  await entry.getByLabel('1 unread').waitFor();
  await entry.click();
  await shown(grace, `steam ${run}`).waitFor();
  await entry.getByLabel(/unread/).waitFor({ state: 'detached' });
  check('a chat that came by itself is unread until it is read');

  // A chat is found far below what was read, and by who is in it; what changes while it is searched shows, too.
  const far = `Lighthouse ${run}`;
  const groups = (titles) => {
    const fields = titles.map((title, place) => `c${place}: createChat(input: { title: "${title}", memberIds: ["${graceId}"] }) { chat { id } }`);
    return asAda(`mutation { ${fields.join(' ')} }`);
  };
  await groups([far]);
  await groups(Array.from({ length: 45 }, (_, place) => `Buoy ${run} ${place}`));
  await ada.page.goto(`${base}/chats`);
  const chats = ada.page.getByRole('navigation', { name: 'Your chats' });
  const search = ada.page.getByRole('textbox', { name: 'Find a chat' });
  await chats.getByRole('link', { name: new RegExp(`Buoy ${run} 44`) }).waitFor();
  check('a list begins with a page', (await chats.getByText(far).count()) === 0);
  await search.fill(`house ${run.toUpperCase()}`);
  await until('what is found', async () => (await chats.getByRole('link').count()) === 1);
  check('a chat far down the list is found', await chats.getByText(far).isVisible());
  await search.press('Home');
  await search.pressSequentially('LIGHT', { delay: 60 });
  await until('the address', () => ada.page.url().includes('LIGHThouse'));
  check('the caret stays where one types', (await search.inputValue()) === `LIGHThouse ${run.toUpperCase()}`);
  await groups([`${far} 2`, `Harbour ${run}`]);
  await chats.getByText(`${far} 2`).waitFor();
  check('a search stays live', (await chats.getByText(`Harbour ${run}`).count()) === 0);
  await search.fill('graCE');
  await chats.getByText(`Harbour ${run}`).waitFor();
  check('a group is found by a member');
  await search.fill(`nobody ${run}`);
  await ada.page.getByText('No chat has this title or member').waitFor();
  check('and nothing is left of the search before', (await ada.page.getByText(far).count()) === 0);
  await ada.page.goto(`${base}/chats/${chatId}`);
  await ada.page.getByRole('button', { name: /members and settings/ }).waitFor();

  // The page itself, without what a pointer shows.
  await ada.page.mouse.move(0, 0);
  await ada.page.getByRole('tooltip').waitFor({ state: 'hidden' });
  for (const [width, height] of [[1280, 800], [360, 740]]) {
    await ada.page.setViewportSize({ width, height });
    const found = await issues(ada.page);
    check(`an open chat is accessible at ${width}`, found.length === 0, found);
    check('and not too wide', !(await isTooWide(ada.page)));
  }
  for (const { seen } of [ada, grace]) {
    const errors = seen.errors.filter((text) => !text.includes('ERR_INTERNET_DISCONNECTED'));
    check('nothing failed', errors.length === 0, errors);
    check('nothing came from elsewhere', seen.foreign.length === 0, seen.foreign);
  }
  await browser.close();
});
