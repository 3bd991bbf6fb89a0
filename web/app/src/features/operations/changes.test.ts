import { expect, it } from 'vitest';
import { changesOf } from './changes';

it('compares with what came before', () => {
  const before = { name: 'Ada', phone: null, version: 1 };
  expect(changesOf({ name: 'Ada L.', phone: null, version: 2 }, [before])).toEqual([
    { field: 'name', before: 'Ada', after: 'Ada L.' },
    { field: 'version', before: 1, after: 2 },
  ]);
});

it('takes the last that was said of each field', () => {
  const earlier = [{ message: 'a', author: 'x' }, { liker: 'y' }, { message: 'b' }];
  expect(changesOf({ message: 'c' }, earlier)).toEqual([
    { field: 'message', before: 'b', after: 'c' },
  ]);
});

it('looks into objects, and takes lists whole', () => {
  const before = { student: { year: 1, tags: ['a'] } };
  expect(changesOf({ student: { year: 2, tags: ['a', 'b'] } }, [before])).toEqual([
    { field: 'student.year', before: 1, after: 2 },
    { field: 'student.tags', before: ['a'], after: ['a', 'b'] },
  ]);
});

it('has nothing to say of a first event, or of what is withheld', () => {
  expect(changesOf({ name: 'Ada' }, [])).toBeNull();
  expect(changesOf(null, [{ name: 'Ada' }])).toBeNull();
  expect(changesOf({ name: 'Ada' }, [null])).toBeNull();
});
