// What is shown of a list of chats while the gateway is asked about another search.
import { expect, test } from 'vitest';
import { isFound } from './names';

const user = (id: string, name: string) => ({ user: { id, name } });
const tea = {
  kind: 'GROUP' as const,
  title: 'Tea',
  members: [user('1', 'Ada Lovelace'), user('2', 'Grace Hopper')],
};
const direct = { ...tea, kind: 'DIRECT' as const, title: null };

test('a chat is found by its title and its other members', () => {
  const found = (search: string, chat: typeof tea | typeof direct = tea) =>
    isFound(chat, search, undefined, '1');
  expect([found('TEA'), found('hopp'), found('')]).toEqual([true, true, true]);
  expect([found('ada'), found('coffee'), found('tea', direct)]).toEqual([false, false, false]);
  expect(found('grace', direct)).toBe(true);
});

test('of one kind alone', () => {
  expect(isFound(tea, 'tea', 'DIRECT', '1')).toBe(false);
  expect(isFound(direct, '', 'DIRECT', '1')).toBe(true);
});
