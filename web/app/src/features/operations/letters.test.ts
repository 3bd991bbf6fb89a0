// Dead letters: more of them than a page, several of one stream, and some that are gone or refused.
import { MillraceError } from '@millrace/client';
import { expect, test, vi } from 'vitest';
import { inChunks } from '../../lib/bulk';
import { answerOf, replayedSentence } from './letter-actions';
import { PagedList } from './letter-list';
import { type OrderedLetter, toDiscard, toReplay } from './letter-order';

const letter = (position: number, streamId: string, kind: 'FOLLOWER' | 'HANDLER' = 'FOLLOWER') => ({
  consumer: kind === 'FOLLOWER' ? 'posts' : 'mail',
  consumerKind: kind,
  streamId,
  position,
});
const positions = (letters: readonly OrderedLetter[]) => letters.map(({ position }) => position);

test('of a stream of a follower one letter is replayed, of a handler each', () => {
  const chosen = [
    letter(4, 'a'),
    letter(2, 'a'),
    letter(3, 'b'),
    letter(5, 'a', 'HANDLER'),
    letter(6, 'a', 'HANDLER'),
  ];
  expect(positions(toReplay(chosen))).toEqual([2, 3, 5, 6]);
});

test('those that wait are discarded before the one that they wait for', () => {
  // As the gateway does it: the first of a stream applies those behind it.
  const here = new Map([1, 2, 3].map((position) => [position, letter(position, 'a')]));
  const applied: number[] = [];
  for (const { position } of toDiscard([letter(1, 'a'), letter(2, 'a')])) {
    const isFirst = position === Math.min(...here.keys());
    here.delete(position);
    if (isFirst) applied.push(...here.keys());
  }
  expect(applied).toEqual([3]);
});

test('one that is gone or refused keeps nobody else, and a lost line ends it', async () => {
  const codes = ['NOT_FOUND', 'CONFLICT', undefined, 'NETWORK', undefined];
  const send = async ([code]: (string | undefined)[]) => [
    await answerOf(code ? Promise.reject(new MillraceError(code, 'no')) : Promise.resolve()),
  ];
  const { done, refused, failure } = await inChunks(codes, send, { size: 1 });
  expect([done.length, refused.length, (failure as MillraceError).code]).toEqual([2, 1, 'NETWORK']);
});

test('what came of it says when there are more than one call does', () => {
  const told = { discarded: 0, replayed: 10_000, left: 0, hasMore: true };
  expect(replayedSentence(told)).toBe('10000 replayed. There are more: do it again');
  expect(replayedSentence({ ...told, left: 2, hasMore: false })).not.toContain('more');
});

function gateway(count: number) {
  const all = Array.from({ length: count }, (_, at) => ({ id: `l${at}`, version: 1 }));
  const read = vi.fn(async (first: number, after: string | null) => {
    if (first > 100) throw new Error('from 1 to 100');
    const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
    const nodes = all.slice(start, start + first);
    const hasNextPage = start + first < all.length;
    return {
      nodes,
      total: all.length,
      pageInfo: { hasNextPage, endCursor: nodes.at(-1)?.id ?? null },
    };
  });
  return { all, read, list: new PagedList(read) };
}
const settled = () => new Promise((done) => setTimeout(done));

test('a long list is read by pages that the gateway gives', async () => {
  const { list, read } = gateway(250);
  list.start();
  await settled();
  expect([list.get().rows.length, list.get().total]).toEqual([100, 250]);
  list.loadMore();
  list.loadMore();
  await settled();
  expect([list.get().rows.length, read.mock.calls.length]).toEqual([200, 2]);
  list.loadMore();
  await settled();
  expect([list.get().rows.length, list.get().hasMore]).toEqual([250, false]);
});

test('what is shown is read again, once for all who ask, and no further', async () => {
  const { list, read, all } = gateway(250);
  list.start();
  await settled();
  list.loadMore();
  await settled();
  all.shift();
  read.mockClear();
  list.refresh();
  list.refresh();
  await settled();
  expect(read.mock.calls.length).toBe(2);
  expect([list.get().rows[0]?.id, list.get().rows.length, list.get().total]).toEqual([
    'l1',
    200,
    249,
  ]);
});

test('a page that failed is said, is not asked for by itself, and can be asked for again', async () => {
  const { list, read } = gateway(250);
  list.start();
  await settled();
  read.mockRejectedValueOnce(new Error('gone'));
  list.loadMore();
  await settled();
  expect([list.get().error?.message, list.get().rows.length]).toEqual(['gone', 100]);
  list.loadMore();
  await settled();
  expect([list.get().error, list.get().rows.length]).toEqual([undefined, 200]);
});
