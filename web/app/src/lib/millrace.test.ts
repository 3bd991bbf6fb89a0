// Where a session is kept, by the client itself against a gateway that is played.
import { beforeEach, expect, test, vi } from 'vitest';

const answers = vi.hoisted(() => ({ isRefused: false, count: 0 }));
vi.stubGlobal('fetch', async () => {
  answers.count += 1;
  const refused = { errors: [{ message: 'wrong', extensions: { code: 'UNAUTHENTICATED' } }] };
  const session = { accessToken: `token ${answers.count}`, refreshToken: 'refresh' };
  const entered = { data: { entered: { session, user: { id: 'user_1' } } } };
  return new Response(JSON.stringify(answers.isRefused ? refused : entered), {
    headers: { 'content-type': 'application/json' },
  });
});

import { beginSession, millrace } from './millrace';

const credentials = { email: 'ada@example.com', password: 'a password' };
const isIn = (storage: Storage) =>
  Object.values({ ...storage }).some((text) => text.includes('accessToken'));
const places = () => [isIn(sessionStorage), isIn(localStorage)];

beforeEach(() => {
  answers.isRefused = false;
});

test('a session is kept on the device only when it was asked for, and only if it begins', async () => {
  await beginSession(() => millrace.signIn(credentials), { isKept: true });
  expect(places()).toEqual([false, true]);

  // Somebody fails to sign in over it: where it is kept stays as it was chosen.
  answers.isRefused = true;
  await expect(beginSession(() => millrace.signIn(credentials))).rejects.toThrow();
  answers.isRefused = false;
  await millrace.useSession({ accessToken: 'renewed', refreshToken: 'refresh' }, 'user_1');
  expect(places()).toEqual([false, true]);

  // Who registers after them has not asked for it.
  await beginSession(() => millrace.register({ ...credentials, name: 'Ada' }));
  expect(places()).toEqual([true, false]);
  await millrace.useSession({ accessToken: 'renewed again', refreshToken: 'refresh' }, 'user_1');
  expect(places()).toEqual([true, false]);
});
