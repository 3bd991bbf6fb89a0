// What is answered leads on only from where it was asked for.
import { expect, test } from 'vitest';
import { stayed } from './here';

test('who has gone to another page meanwhile is not fetched back', () => {
  history.pushState(null, '', '/posts/post_1');
  const isHere = stayed();
  expect(isHere()).toBe(true);
  history.replaceState(null, '', '/posts/post_1?search=tea');
  expect(isHere()).toBe(true);
  history.pushState(null, '', '/posts/post_2');
  expect(isHere()).toBe(false);
});
