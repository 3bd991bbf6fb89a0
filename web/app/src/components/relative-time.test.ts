import { expect, test } from 'vitest';
import { relative } from './relative-time';

const now = Date.parse('2026-03-29T12:00:00Z');
const ago = (seconds: number) => relative(new Date(now - seconds * 1_000).toISOString(), now);

test('a time is told in whole minutes and hours', () => {
  expect([0, 59, 60, 119, 3_599].map(ago)).toEqual([
    'just now',
    'just now',
    '1 min. ago',
    '1 min. ago',
    '59 min. ago',
  ]);
  expect([3_600, 86_399].map(ago)).toEqual(['1 hr. ago', '23 hr. ago']);
  expect([90_000, 130_000, 86_400 * 29].map(ago)).toEqual([
    'yesterday',
    '2 days ago',
    '29 days ago',
  ]);
});

test('and one that is to come as such', () => {
  expect([-30, -3_599].map(ago)).toEqual(['just now', 'in 59 min.']);
});
