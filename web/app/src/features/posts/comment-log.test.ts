// @vitest-environment node
import { expect, test } from 'vitest';
import {
  type CommentLog,
  mostComments,
  withChanged,
  withLatest,
  withOlder,
  without,
} from './comment-log';

const comment = (number: number, text = '') => ({ id: `c${number}`, number, text });
const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, place) => comment(first + place));
const page = (nodes: ReturnType<typeof from>, startCursor?: string) => ({
  nodes,
  pageInfo: { hasPreviousPage: startCursor !== undefined, startCursor: startCursor ?? null },
});
const numbers = ({ comments }: CommentLog<ReturnType<typeof comment>>) =>
  comments.map(({ number }) => number);

test('what leaves the window at its beginning stays, also between it and what was read before', () => {
  let log = withLatest(undefined, page(from(11, 13), 'before 11'));
  log = withLatest(log, page(from(12, 14), 'before 12'));
  expect([numbers(log), log.cursor]).toEqual([[11, 12, 13, 14], 'before 11']);
  log = withOlder(log, page(from(8, 10), 'before 8'));
  log = withLatest(log, page(from(14, 16), 'before 14'));
  expect([numbers(log), log.cursor]).toEqual([[8, 9, 10, 11, 12, 13, 14, 15, 16], 'before 8']);
});

test('news that come while an older page is on its way are kept beside it', () => {
  const opened = withLatest(undefined, page(from(4, 6), 'before 4'));
  const log = withOlder(withLatest(opened, page(from(6, 8), 'before 6')), page(from(1, 3)));
  expect([numbers(log), log.cursor]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8], undefined]);
});

test('what is missing in the window was deleted, and an edit replaces', () => {
  let log = withLatest(undefined, page(from(1, 3), 'before 1'));
  log = withLatest(log, page([comment(0), comment(1), comment(3, 'edited')], 'before 0'));
  expect(numbers(log)).toEqual([0, 1, 3]);
  expect(log.comments.at(-1)?.text).toBe('edited');
  expect(numbers(without(log, 'c1'))).toEqual([0, 3]);
  expect(numbers(withLatest(log, page([comment(3)])))).toEqual([3]);
  expect(numbers(withLatest(log, page([])))).toEqual([]);
});

test('what is edited here shows outside of the window, too', () => {
  let log = withOlder(withLatest(undefined, page(from(4, 6), 'before 4')), page(from(1, 3)));
  log = withChanged(log, comment(2, 'edited'));
  const texts = () => log.comments.map(({ text }) => text);
  expect([numbers(log), texts()]).toEqual([
    [1, 2, 3, 4, 5, 6],
    ['', 'edited', '', '', '', ''],
  ]);
  log = withLatest(log, page(from(5, 7), 'before 5'));
  expect(texts()[1]).toBe('edited');
  // One that was let go meanwhile does not come back.
  expect(numbers(withChanged(log, comment(9, 'edited')))).toEqual(numbers(log));
});

test('a window that does not reach what is here takes its place', () => {
  const log = withLatest(undefined, page(from(1, 3), 'before 1'));
  const next = withLatest(log, page(from(9, 11), 'before 9'));
  expect([numbers(next), next.cursor]).toEqual([[9, 10, 11], 'before 9']);
  expect(numbers(withLatest(log, page(from(4, 6), 'before 4')))).toEqual([1, 2, 3, 4, 5, 6]);
});

test('it does not grow without end', () => {
  let log = withLatest(undefined, page(from(1, 50), 'before 1'));
  for (let last = 51; last < 2_500; last += 1)
    log = withLatest(log, page(from(last - 49, last), `before ${last - 49}`));
  expect(log.comments.length).toBeLessThanOrEqual(mostComments + 1);
  expect(numbers(log).at(-1)).toBe(2_499);
});
