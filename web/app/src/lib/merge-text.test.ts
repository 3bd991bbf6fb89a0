import { describe, expect, it } from 'vitest';
import { mergeTexts } from './merge-text';

describe('two changes of one text', () => {
  it.each([
    ['at different places are both in it', 'a b c d', 'A b c d', 'a b c D', 'A b c D', false],
    ['that are the same are in it once', 'a b c', 'a X c', 'a X c', 'a X c', false],
    ['at one place are both in it, and that is said', 'a b c', 'a X c', 'a Y c', 'a Y X c', true],
    ['keep what only one of them added', 'a b', 'a b c', 'a b', 'a b c', false],
    ['keep lines', 'one\ntwo', 'one\ntwo\nthree', 'ONE\ntwo', 'ONE\ntwo\nthree', false],
    ['lose nothing when both wrote all of it', '', 'mine', 'theirs', 'theirs mine', true],
  ])('%s', (_, base, mine, theirs, text, isConflict) => {
    expect(mergeTexts(base, mine, theirs)).toEqual({ text, isConflict });
  });
});
