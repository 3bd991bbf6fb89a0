import { expect, test } from 'vitest';
import { merge } from './merge';

const base = { name: 'Ada', phone: '1', status: 'ACTIVE' };

test('what only one of them touched is taken from that one', () => {
  const mine = { ...base, name: 'Ada L.' };
  const theirs = { ...base, phone: '2' };
  expect(merge(base, mine, theirs)).toEqual({
    values: { name: 'Ada L.', phone: '2', status: 'ACTIVE' },
    conflicts: [],
  });
});

test('what both touched is a conflict, and what was typed stays', () => {
  const mine = { ...base, name: 'Ada L.', status: 'CLOSED' };
  const theirs = { ...base, name: 'Ada K.', status: 'CLOSED' };
  expect(merge(base, mine, theirs)).toEqual({
    values: { name: 'Ada L.', phone: '1', status: 'CLOSED' },
    conflicts: ['name'],
  });
});
