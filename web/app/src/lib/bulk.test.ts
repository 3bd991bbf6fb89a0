// What becomes of many records when some are refused, the line breaks, or somebody stops.
import { expect, test, vi } from 'vitest';
import { type BulkResult, inChunks } from './bulk';

const fine = async (rows: string[]) => rows.map((_, index) => ({ index }));
const rowsOf = ({ done }: BulkResult<string>) => done.map(({ row }) => row);

test('goes by the chunk, and tells how far it is', async () => {
  const send = vi.fn(fine);
  const onProgress = vi.fn();
  const result = await inChunks(['a', 'b', 'c'], send, { size: 2, onProgress });
  expect(send.mock.calls).toEqual([[['a', 'b']], [['c']]]);
  expect(onProgress.mock.calls).toEqual([[2], [3]]);
  expect(rowsOf(result)).toEqual(['a', 'b', 'c']);
});

test('says of each that was refused why, and of each that was done what it is at', async () => {
  const error = { message: 'the input is not valid', violations: [{ message: 'must be shorter' }] };
  const taken = { message: 'the address is taken', violations: [] };
  const { done, refused } = await inChunks(['a', 'b', 'c'], async () => [
    { index: 0, error },
    { index: 1, error: null, version: 7 },
    { index: 2, error: taken },
  ]);
  expect(done).toEqual([{ row: 'b', version: 7 }]);
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
  const result = await inChunks(['a', 'b', 'c'], send, { size: 1 });
  expect([rowsOf(result), result.failure?.message, calls]).toEqual([['a'], 'gone', 2]);
});

test('can be stopped between chunks', async () => {
  const stop = new AbortController();
  const onProgress = () => stop.abort();
  const result = await inChunks(['a', 'b'], fine, { size: 1, onProgress, signal: stop.signal });
  expect(rowsOf(result)).toEqual(['a']);
});
