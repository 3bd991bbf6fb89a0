import { expect, test } from 'vitest';
import { marksOf, wordsFor } from './states';

const of = (
  id: string,
  state: 'SENT' | 'DELIVERED' | 'SEEN' | null,
  [recipientCount, deliveredCount, seenCount]: [number, number, number] = [1, 0, 0],
) => ({ id, state, receipts: state && { recipientCount, deliveredCount, seenCount } });

test('the last message of each state is marked, and none of others', () => {
  const marks = marksOf([
    of('5', 'SENT'),
    of('4', 'SENT'),
    of('3', null),
    of('2', 'SEEN', [1, 1, 1]),
    of('1', 'SEEN', [1, 1, 1]),
  ]);
  expect([...marks.keys()]).toEqual(['5', '2']);
  expect(marksOf([of('1', 'SENT', [0, 0, 0])]).size).toBe(0);
});

test.each([
  ['SENT', [1, 0, 0], 'Sent'],
  ['DELIVERED', [1, 1, 0], 'Delivered'],
  ['SEEN', [1, 1, 1], 'Seen'],
  ['SENT', [4, 0, 0], 'Sent'],
  ['SENT', [4, 3, 0], 'Delivered to 3 of 4'],
  ['SENT', [4, 3, 2], 'Seen by 2 of 4'],
  ['DELIVERED', [4, 4, 0], 'Delivered to all 4'],
  ['SEEN', [4, 4, 4], 'Seen by all 4'],
] as const)('%s by %j is "%s"', (state, [recipientCount, deliveredCount, seenCount], words) => {
  expect(wordsFor(state, { recipientCount, deliveredCount, seenCount })).toBe(words);
});
