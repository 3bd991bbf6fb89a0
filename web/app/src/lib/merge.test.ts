// Every way in which three versions of a field can differ.
import { expect, test } from 'vitest';
import { differences, merged } from './merge';

const base = { name: 'Ada', email: 'a@x.org', phone: '' };

test('what both made alike, and what nobody touched, is no difference', () => {
  const both = { ...base, name: 'Ada L.' };
  expect(differences(base, both, both)).toEqual([]);
});

test('what one changed is theirs to keep, what both changed is to be chosen', () => {
  const mine = { name: 'Mine', email: 'a@x.org', phone: '1' };
  const theirs = { name: 'Theirs', email: 't@x.org', phone: '' };
  const found = differences(base, mine, theirs);
  expect(found.map(({ key, side }) => [key, side])).toEqual([
    ['name', undefined],
    ['email', 'theirs'],
    ['phone', 'mine'],
  ]);
  expect(merged(theirs, found)).toEqual({ name: 'Theirs', email: 't@x.org', phone: '1' });
  const chosen = found.map((each) => ({ ...each, side: each.side ?? ('mine' as const) }));
  expect(merged(theirs, chosen)).toEqual({ name: 'Mine', email: 't@x.org', phone: '1' });
});

test('what one cleared is a change, and a field that is not edited stays theirs', () => {
  const found = differences({ phone: '1' }, { phone: '' }, { phone: '2', note: 'n' });
  expect(found).toEqual([{ key: 'phone', base: '1', mine: '', theirs: '2', side: undefined }]);
  expect(merged({ phone: '2', note: 'n' }, found)).toEqual({ phone: '2', note: 'n' });
});
