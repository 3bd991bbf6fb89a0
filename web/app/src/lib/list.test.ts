// The list against a gateway that is played: what it asks, and what it makes of the answers.
import { beforeEach, expect, test, vi } from 'vitest';
import { retryMs } from './errors';
import { type Change, LiveList, mostArrived, tintMs } from './list';
import type { Connection, Follow, Page } from './list-source';
import { inOrder } from './search';

interface Item {
  id: string;
  version: number;
  name: string;
}
type Sinks = { page: Parameters<Page<Item>>[1]; follow: Parameters<Follow<Item>>[1] };

const item = (id: string, name = id, version = 1): Item => ({ id, version, name });
const told: Change = {
  type: 'UPDATED',
  actor: { name: 'Ada', id: 'ada' },
  at: '2026-01-01T00:00:00Z',
};
const page = (nodes: Item[], more: Partial<Connection<Item>> = {}): Connection<Item> => ({
  nodes,
  total: nodes.length,
  pageInfo: { hasNextPage: false, endCursor: nodes.at(-1)?.id ?? null },
  ...more,
});

function start(self?: string, has?: (row: Item) => boolean, most?: number) {
  const asked: { window: Parameters<Page<Item>>[0]; sink: Sinks['page'] }[] = [];
  const followed: { cursor: string; sink: Sinks['follow'] }[] = [];
  const stopped = vi.fn();
  const list = new LiveList<Item>({
    compare: inOrder<Item>('ASC', ({ name }) => name),
    self: () => self,
    has,
    most,
    page: (window, sink) => {
      asked.push({ window, sink });
      return stopped;
    },
    follow: (cursor, sink) => {
      followed.push({ cursor, sink });
      return stopped;
    },
  });
  list.start();
  const names = () => list.get().rows.map(({ name }) => name);
  const answer = (connection: Connection<Item>, cursor = 'c') =>
    asked.at(-1)?.sink.next(connection, cursor);
  /** A change, and the answer to whether the list has it now. */
  const change = (row: Item, isIn: boolean, total?: number) => {
    followed.at(-1)?.sink.change(row, told);
    vi.advanceTimersByTime(150);
    expect(asked.at(-1)?.window.ids).toEqual([row.id]);
    answer(page(isIn ? [row] : []));
    expect(asked.at(-1)?.window).toEqual({ first: 1, after: null });
    answer(page([], { total }));
  };
  return { list, asked, followed, stopped, names, answer, change };
}

beforeEach(() => {
  vi.useFakeTimers();
});

test('changes are followed from the cursor of the first page', () => {
  const { list, followed, answer, asked, names } = start();
  expect(list.get().isLoading).toBe(true);
  // What the cache has is shown, and is no place to begin at.
  asked[0]?.sink.next(page([item('a')]), undefined);
  expect([names(), followed.length]).toEqual([['a'], 0]);
  answer(page([item('a'), item('b')]), 'cursor-7');
  expect(names()).toEqual(['a', 'b']);
  expect(followed.map(({ cursor }) => cursor)).toEqual(['cursor-7']);
  // A mutation here changes the page in the cache: nothing begins again.
  answer(page([item('a'), item('b', 'b', 2)]), 'cursor-7');
  expect(followed).toHaveLength(1);
});

test('a list says when its next page can be read', () => {
  const { list, asked, answer } = start();
  const rows = page([item('a')], { pageInfo: { hasNextPage: true, endCursor: 'a' } });
  const told: boolean[] = [];
  list.subscribe(() => {
    told.push(list.get().isFollowed);
    // As a table does that is high enough for more.
    if (list.get().isFollowed && !list.get().isLoadingMore) list.loadMore();
  });
  asked[0]?.sink.next(rows, undefined);
  expect([told, asked.length]).toEqual([[false], 1]);
  answer(rows);
  expect(asked[1]?.window).toEqual({ first: 100, after: 'a' });
});

test('what belongs to the list enters at its place, moves, and leaves', () => {
  const { list, answer, change, names } = start();
  answer(page([item('1', 'a'), item('2', 'c')]));
  change(item('3', 'b'), true, 3);
  expect([names(), list.get().total]).toEqual([['a', 'b', 'c'], 3]);
  change(item('3', 'd', 2), true, 3);
  expect(names()).toEqual(['a', 'c', 'd']);
  change(item('1', 'a', 2), false, 2);
  expect([names(), list.get().total]).toEqual([['c', 'd'], 2]);
});

test('of one row the newest version stays', () => {
  const { answer, followed, names } = start();
  answer(page([item('1', 'new', 5)]));
  followed[0]?.sink.change(item('1', 'old', 4), told);
  expect(names()).toEqual(['new']);
});

test('what comes behind the last page that was read is left to the pages', () => {
  const { list, answer, change, names, asked } = start();
  answer(
    page([item('1', 'a'), item('2', 'b')], {
      pageInfo: { hasNextPage: true, endCursor: 'b' },
      total: 9,
    }),
  );
  change(item('9', 'z'), true, 10);
  expect([names(), list.get().total]).toEqual([['a', 'b'], 10]);
  list.loadMore();
  list.loadMore();
  expect(asked.filter(({ window }) => window.after === 'b')).toHaveLength(1);
  answer(page([item('2', 'b'), item('9', 'z')], { total: 10 }));
  expect(names()).toEqual(['a', 'b', 'z']);
});

test('the last row that was read stays when it changes and keeps its place: no page would have it', () => {
  const { answer, change, names } = start();
  const rows = [item('1', 'a'), item('2', 'b'), item('3', 'd')];
  answer(page(rows, { pageInfo: { hasNextPage: true, endCursor: 'd' } }));
  change(item('3', 'd', 2), true, 9);
  expect(names()).toEqual(['a', 'b', 'd']);
  // Nor would one have what is the last now, before where the next page begins.
  change(item('3', 'd', 2), false, 8);
  change(item('4', 'c'), true, 9);
  expect(names()).toEqual(['a', 'b', 'c']);
  change(item('4', 'e', 2), true, 9);
  expect(names()).toEqual(['a', 'b']);
});

test('what arrives above a reader who has scrolled waits', () => {
  const { list, answer, change, names } = start();
  answer(page([item('1', 'b'), item('2', 'c')]));
  list.scrolled(true);
  change(item('3', 'a'), true, 3);
  expect([names(), list.get().arrived, list.get().total]).toEqual([['b', 'c'], 1, 3]);
  list.showArrived();
  expect([names(), list.get().arrived]).toEqual([['a', 'b', 'c'], 0]);
});

test('others are pointed out for a moment, oneself is not', () => {
  const { list, answer, followed } = start('me');
  answer(page([item('1')]));
  followed[0]?.sink.change(item('1', 'x', 2), { ...told, actor: { name: 'Me', id: 'me' } });
  expect(list.get().changed.size).toBe(0);
  followed[0]?.sink.change(item('1', 'y', 3), told);
  expect(list.get().changed.get('1')?.actor.name).toBe('Ada');
  vi.advanceTimersByTime(tintMs);
  expect(list.get().changed.size).toBe(0);
});

test('what could not be asked is asked again', () => {
  const { answer, asked, followed, names } = start();
  answer(page([item('1', 'b')]));
  followed[0]?.sink.change(item('2', 'a'), told);
  vi.advanceTimersByTime(150);
  asked.at(-1)?.sink.failed(refused('UNAVAILABLE'));
  expect(names()).toEqual(['b']);
  const before = asked.length;
  vi.advanceTimersByTime(3_000);
  expect(asked).toHaveLength(before + 1);
  answer(page([item('2', 'a')]));
  expect(names()).toEqual(['a', 'b']);
});

test('what is refused to be asked is said, and asked again with the next change or page', () => {
  const { list, answer, asked, followed, names } = start();
  answer(page([item('1', 'b')], { pageInfo: { hasNextPage: true, endCursor: 'b' } }));
  followed[0]?.sink.change(item('2', 'a'), told);
  vi.advanceTimersByTime(150);
  asked.at(-1)?.sink.failed(refused('INTERNAL'));
  vi.advanceTimersByTime(10 * retryMs);
  expect([list.get().error?.message, asked.length]).toEqual(['INTERNAL', 2]);
  followed[0]?.sink.change(item('1', 'b', 2), told);
  vi.advanceTimersByTime(150);
  expect(asked.at(-1)?.window.ids).toEqual(['2', '1']);
  // What is wrong with the session is said elsewhere.
  asked.at(-1)?.sink.failed(refused('UNAUTHENTICATED'));
  vi.advanceTimersByTime(10 * retryMs);
  expect([list.get().error?.message, asked.length]).toEqual(['INTERNAL', 3]);
  list.loadMore();
  expect([list.get().error, asked.at(-1)?.window.after]).toEqual([undefined, 'b']);
  vi.advanceTimersByTime(150);
  expect(asked.at(-1)?.window.ids).toEqual(['2', '1']);
  asked.at(-1)?.sink.failed(refused('INTERNAL'));
  followed[0]?.sink.change(item('1', 'b', 3), told);
  vi.advanceTimersByTime(150);
  answer(page([item('2', 'a'), item('1', 'b', 3)]));
  expect([names(), list.get().error]).toEqual([['a', 'b'], undefined]);
});

test('a first page that cannot be read now is tried again', () => {
  const { list, asked, answer, names } = start();
  asked[0]?.sink.failed(Object.assign(new Error('no network'), { code: 'NETWORK' }));
  expect([list.get().isLoading, list.get().error?.message]).toEqual([false, 'no network']);
  vi.advanceTimersByTime(3_000);
  expect(asked).toHaveLength(2);
  answer(page([item('1')]));
  expect([names(), list.get().error]).toEqual([['1'], undefined]);
});

test('after a gap everything is read again, and the last is shown meanwhile', () => {
  const { answer, followed, names, asked } = start();
  answer(page([item('1')]), 'old');
  followed[0]?.sink.gap();
  expect([names(), asked.at(-1)?.window.first]).toEqual([['1'], 50]);
  answer(page([item('2')]), 'new');
  expect([names(), followed.at(-1)?.cursor]).toEqual([['2'], 'new']);
});

test('what cannot be in the list any more leaves before the gateway tells, and comes back', () => {
  const { answer, names } = start(undefined, ({ name }) => name !== 'deleted');
  const here = [item('1', 'a'), item('2', 'b')];
  answer(page(here));
  answer(page([item('1', 'deleted'), item('2', 'b')]));
  expect(names()).toEqual(['b']);
  // The change was refused, so the cache shows again what was there before.
  answer(page(here));
  expect(names()).toEqual(['a', 'b']);
});

test('all of it is read page by page, and no more than was asked for', async () => {
  const { list, asked, answer, names } = start();
  const part = (name: string, hasNextPage: boolean) =>
    page([item(name)], { pageInfo: { hasNextPage, endCursor: name }, total: 4 });
  answer(part('a', true));
  const reading = list.loadAll(3);
  for (const name of ['b', 'c']) {
    await vi.waitFor(() => expect(asked.at(-1)?.window.after).toBe(names().at(-1)));
    answer(part(name, true));
  }
  expect((await reading).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  const rest = list.loadAll(100);
  asked.at(-1)?.sink.failed(new Error('gone'));
  await expect(rest).rejects.toThrow('gone');
});

test('reading all of it ends when the list is left', async () => {
  const { list, answer } = start();
  answer(page([item('a')], { pageInfo: { hasNextPage: true, endCursor: 'a' } }));
  const reading = list.loadAll(100);
  list.stop();
  await reading;
});

test('what changed meanwhile and was not placed yet leads nothing else to a wrong place', () => {
  const { answer, followed, names, asked } = start();
  answer(page(['a', 'c', 'e', 'g', 'i'].map((name) => item(name, name))));
  // Told together: the first answer places one of them while the others stand where they were.
  for (const [id, to] of [
    ['e', 'z'],
    ['c', 'y'],
    ['g', 'b'],
  ] as const)
    followed[0]?.sink.change(item(id, to, 2), told);
  vi.advanceTimersByTime(150);
  expect(asked.at(-1)?.window.ids).toEqual(['e', 'c', 'g']);
  answer(page([item('g', 'b', 2), item('c', 'y', 2), item('e', 'z', 2)]));
  expect(names()).toEqual(['a', 'b', 'i', 'y', 'z']);
});

test('what has gone leaves at once, and it alone is asked about', () => {
  const { list, answer, asked, followed, names } = start();
  answer(page([item('1'), item('2'), item('3')]));
  list.scrolled(true);
  followed[0]?.sink.gone('2');
  expect(names()).toEqual(['1', '3']);
  vi.advanceTimersByTime(150);
  expect(asked.at(-1)?.window.ids).toEqual(['2']);
  answer(page([]));
  expect(names()).toEqual(['1', '3']);
});

test('what has gone and waits does not come', () => {
  const { list, answer, change, followed, names } = start();
  answer(page([item('1', 'b')]));
  list.scrolled(true);
  change(item('2', 'a'), true, 2);
  expect(list.get().arrived).toBe(1);
  followed[0]?.sink.gone('2');
  expect(list.get().arrived).toBe(0);
  list.showArrived();
  expect(names()).toEqual(['b']);
});

test('when it could not be read what has changed, all that are here are asked for, in parts', () => {
  const { answer, asked, followed, names } = start(undefined, undefined, 2);
  expect(asked[0]?.window.first).toBe(2);
  answer(page([item('1'), item('2'), item('3')]));
  followed[0]?.sink.unclear();
  vi.advanceTimersByTime(150);
  expect(asked.at(-1)?.window).toEqual({ first: 2, after: null, ids: ['1', '2'] });
  asked.at(-1)?.sink.next(page([item('1')]), 'c');
  vi.advanceTimersByTime(150);
  const last = asked.findLast(({ window }) => window.ids);
  expect(last?.window.ids).toEqual(['3']);
  last?.sink.next(page([item('3')]), 'c');
  expect(names()).toEqual(['1', '3']);
});

test('one that waits and is deleted meanwhile does not come', () => {
  const { list, answer, asked, change, followed, names } = start();
  answer(page([item('1', 'b')]));
  list.scrolled(true);
  change(item('2', 'a'), true, 2);
  expect(list.get().arrived).toBe(1);
  followed[0]?.sink.unclear();
  vi.advanceTimersByTime(150);
  expect(asked.at(-1)?.window.ids).toEqual(['1', '2']);
  answer(page([item('1', 'b')]));
  expect(list.get().arrived).toBe(0);
  list.showArrived();
  expect(names()).toEqual(['b']);
});

const refused = (code: string) => Object.assign(new Error(code), { code });

test('a page that fails is tried again when that may help, and says so otherwise', () => {
  const { list, asked, answer } = start();
  answer(page([item('1', 'a')], { pageInfo: { hasNextPage: true, endCursor: 'a' } }));
  list.loadMore();
  asked.at(-1)?.sink.failed(refused('TIMEOUT'));
  expect([list.get().error?.message, list.get().isLoadingMore]).toEqual(['TIMEOUT', false]);
  vi.advanceTimersByTime(retryMs);
  expect([asked.at(-1)?.window.after, asked.length]).toEqual(['a', 3]);
  asked.at(-1)?.sink.failed(refused('INTERNAL'));
  vi.advanceTimersByTime(10 * retryMs);
  expect([list.get().error?.message, asked.length]).toEqual(['INTERNAL', 3]);
  list.loadMore();
  answer(page([item('2', 'b')]));
  expect([list.get().error, list.get().rows.length]).toEqual([undefined, 2]);
});

test('a list that is not followed any more begins anew', () => {
  const { list, asked, followed, answer } = start();
  const more = { pageInfo: { hasNextPage: true, endCursor: 'a' } };
  answer(page([item('1', 'a')], more));
  followed[0]?.sink.failed(refused('UNAVAILABLE'));
  vi.advanceTimersByTime(retryMs);
  answer(page([item('1', 'a')], more), 'later');
  expect(followed.map(({ cursor }) => cursor)).toEqual(['c', 'later']);
  followed[1]?.sink.failed(refused('INTERNAL'));
  expect(list.get().error?.message).toBe('INTERNAL');
  list.loadMore();
  expect(asked.at(-1)?.window.after).toBe(null);
  answer(page([item('1', 'a')], more), 'last');
  expect([followed.length, list.get().error]).toEqual([3, undefined]);
});

test('a page that comes does not hide that the changes do not', () => {
  const { list, asked, followed, answer } = start();
  const more = { pageInfo: { hasNextPage: true, endCursor: 'a' } };
  answer(page([item('1', 'a')], more));
  list.loadMore();
  followed[0]?.sink.failed(refused('INTERNAL'));
  answer(page([item('2', 'b')], more));
  expect([list.get().rows.length, list.get().error?.message]).toEqual([2, 'INTERNAL']);
  list.loadMore();
  expect(asked.at(-1)?.window.after).toBe(null);
});

test('a page that fails for good does not keep a list from being followed again', () => {
  const { list, asked, followed, answer } = start();
  answer(page([item('1', 'a')], { pageInfo: { hasNextPage: true, endCursor: 'a' } }));
  list.loadMore();
  followed[0]?.sink.failed(refused('UNAVAILABLE'));
  asked.at(-1)?.sink.failed(refused('INTERNAL'));
  vi.advanceTimersByTime(retryMs);
  expect(asked.at(-1)?.window).toEqual({ first: 50, after: null });
});

test('what was changed is not tinted for ever after a new beginning', () => {
  const { list, followed, answer } = start();
  answer(page([item('1', 'a')]));
  followed[0]?.sink.change(item('1', 'a', 2), told);
  expect(list.get().changed.size).toBe(1);
  list.restart();
  expect(list.get().changed.size).toBe(0);
});

/** Many at once, each as a change and as an answer. */
function arrive(
  { followed, asked, answer }: ReturnType<typeof start>,
  first: number,
  last: number,
) {
  for (let number = first; number <= last; number += 1)
    followed.at(-1)?.sink.change(item(`n${number}`, `n${String(number).padStart(6, '0')}`), told);
  for (let turn = 0; turn < 200; turn += 1) {
    vi.advanceTimersByTime(150);
    const { ids } = asked.at(-1)?.window ?? {};
    if (!ids) break;
    answer(page(ids.map((id) => item(id, `n${id.slice(1).padStart(6, '0')}`))));
    // The first page of a list that began anew is left to the test.
    if (asked.at(-1)?.window.first === 50) break;
    answer(page([], { total: last }));
  }
}

test('a list that is open for days begins anew after so many, and keeps no more', () => {
  const played = start('ada');
  const { list, asked, answer } = played;
  answer(page([item('z', 'z')]));
  for (let first = 1; asked.at(-1)?.window.first !== 50 || first === 1; first += 400) {
    arrive(played, first, first + 399);
    expect(list.get().rows.length).toBeLessThanOrEqual(mostArrived + 400);
  }
  answer(page([item('1', 'a')]), 'anew');
  expect(list.get().rows.map(({ name }) => name)).toEqual(['a']);
});

test('who has scrolled stays, however many come, and has a new list when they go up', () => {
  const played = start('ada');
  const { list, asked, answer, names } = played;
  answer(page([item('z', 'z')]));
  list.scrolled(true);
  for (let first = 1; first < mostArrived + 1_500; first += 400) arrive(played, first, first + 399);
  expect([names(), list.get().arrived]).toEqual([['z'], mostArrived]);
  list.showArrived();
  expect(asked.at(-1)?.window).toEqual({ first: 50, after: null });
  answer(page([item('1', 'a')]), 'anew');
  expect([names(), list.get().arrived]).toEqual([['a'], 0]);
});
