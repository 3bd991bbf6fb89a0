// What becomes of many records when some are refused, the line breaks, or somebody stops.
import { expect, test, vi } from 'vitest';
import { inChunks } from './bulk';

const fine = async (rows: string[]) => rows.map((_, index) => ({ index }));

test('goes by the chunk, and tells how far it is', async () => {
  const send = vi.fn(fine);
  const onProgress = vi.fn();
  const { done } = await inChunks(['a', 'b', 'c'], send, { size: 2, onProgress });
  expect(send.mock.calls).toEqual([[['a', 'b']], [['c']]]);
  expect(onProgress.mock.calls).toEqual([[2], [3]]);
  expect(done).toEqual(['a', 'b', 'c']);
});

test('says of each that was refused why', async () => {
  const error = { message: 'the input is not valid', violations: [{ message: 'must be shorter' }] };
  const taken = { message: 'the address is taken', violations: [] };
  const { done, refused } = await inChunks(['a', 'b', 'c'], async () => [
    { index: 0, error },
    { index: 1, error: null },
    { index: 2, error: taken },
  ]);
  expect(done).toEqual(['b']);
  expect(refused).toEqual([
    { row: 'a', message: 'must be shorter' },
    { row: 'c', message: 'the address is taken' },
  ]);
});

test('what breaks ends it, and what was answered counts', async () => {
  let calls = 0;
  const send = async (rows: string[]) => {
    calls += 1;
    if (calls === 2) throw new Error('gone');
    return fine(rows);
  };
  const { done, failure } = await inChunks(['a', 'b', 'c'], send, { size: 1 });
  expect([done, failure?.message, calls]).toEqual([['a'], 'gone', 2]);
});

test('can be stopped between chunks', async () => {
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  const { done } = await inChunks(['a', 'b'], fine, { size: 1, onProgress, signal: stop.signal });
  expect(done).toEqual(['a']);
});
