// The letters that stand for a person without a picture.
import { expect, test } from 'vitest';
import { initials } from './user-name';

test('are those of the first and the last word', () => {
  expect(['Ada Lovelace', 'ada', ' Maria del  Mar ', ''].map(initials)).toEqual([
    'AL',
    'A',
    'MM',
    '?',
  ]);
});

test('are letters as people see them', () => {
  expect(initials('🇩🇪 Fan')).toBe('🇩🇪F');
  expect(initials('👩‍👩‍👧 Family')).toBe('👩‍👩‍👧F');
  expect(initials('e\u0301mile zola')).toBe('E\u0301Z');
  expect(initials('שלום עולם')).toBe('שע');
});
