// Two people chat on the GraphiQL page, each in a browser profile of their own, with the examples as
// they are: messages and typing arrive while they are watched, and a removed member is told why
// nothing comes any more. The second argument, when given, is where to save a screenshot.
import { answer, launch, visible, watch } from './chromium.mjs';
import {
  ending,
  execute,
  openExample,
  openPage,
  runExample,
  runLive,
  runOperation,
  setVariables,
  signIn,
  variables,
} from './page.mjs';
import { register } from './people.mjs';
import { program, soonMs, until } from './program.mjs';

await program(async (base, check) => {
  const [ada, grace] = [await register(base, 'Ada'), await register(base, 'Grace')];
  const browser = await launch();
  try {
    const hers = await enter(browser, base, ada);
    const others = await enter(browser, base, grace);
    check('both are signed in');
    const chatId = await meet(hers.page, grace, check);
    await messages(hers.page, others.page, chatId, check);
    await typing(hers.page, others.page, grace, check);
    if (process.argv[3]) await hers.page.screenshot({ path: process.argv[3] });
    await removal(hers.page, others.page, grace, chatId, check);
    for (const { seen } of [hers, others]) {
      check('no error on the console', seen.errors.length === 0, seen.errors);
    }
  } finally {
    await browser.close();
  }
});

/** A profile of its own: the two share no storage. */
async function enter(browser, base, person) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(soonMs);
  const seen = watch(page, base);
  await openPage(page, base);
  await signIn(page, person);
  return { page, seen };
}

/** The example takes the other user from the list before it. */
async function meet(page, other, check) {
  const { data } = await runExample(page, 'List users', { search: other.name, first: 1 });
  check('one finds the other', data.users.nodes[0]?.id === other.id, data);
  const created = await runExample(page, 'Create a chat');
  const members = created.data?.createChat.chat.members.map(({ user }) => user.id);
  check('and makes a chat with them', members?.includes(other.id) && members.length === 2, created);
  return created.data.createChat.chat.id;
}

async function messages(hers, others, chatId, check) {
  const { data } = await runExample(others, 'List my chats');
  check('the other has it, too', data.chats.nodes[0]?.id === chatId, data);
  await runLive(others, 'Watch a chat');
  await say(hers, 'Hello, is somebody there?');
  check('a message arrives', await visible(others, 'is somebody there'));
  await runLive(hers, 'Watch a chat');
  await say(others, 'Somebody is.');
  check('and is answered', await visible(hers, 'Somebody is.'));
}

async function say(page, text) {
  await openExample(page, 'Send a message');
  const { input } = await variables(page);
  await setVariables(page, { input: { ...input, text } });
  await execute(page);
  await until('the message to be sent', async () => (await answer(page))?.data?.sendMessage);
}

async function typing(hers, others, grace, check) {
  await runLive(hers, 'Watch who is typing');
  // Typing is stored nowhere: what nobody hears yet is not heard later, so it goes on until it is.
  await openExample(others, 'Say that you are typing');
  await until('typing to be seen', async () => {
    await execute(others);
    await others.waitForTimeout(200);
    return (await answer(hers))?.data?.typing;
  });
  check('typing is seen', await visible(hers, grace.name));
}

/** The owner removes the other, whose subscription ends with an error, before the next message. */
async function removal(hers, others, grace, chatId, check) {
  await runLive(others, 'Watch a chat');
  const remove = `mutation Remove($input: RemoveChatMemberInput!) {
    removeChatMember(input: $input) { chat { id } }
  }`;
  const removed = await runOperation(hers, remove, { input: { id: chatId, userId: grace.id } });
  check('the owner removes the other', removed.data?.removeChatMember, removed);
  const ended = await ending(others);
  check(
    'a removed member’s subscription ends',
    ended.extensions?.code === 'NOT_FOUND',
    ended,
  );
}
