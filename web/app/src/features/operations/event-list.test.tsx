// Reading on, failing and standing still, around the window of events, and the table that asks for more of it.
import { MantineProvider } from '@mantine/core';
import { act, useSyncExternalStore } from 'react';
import { expect, test, vi } from 'vitest';
import { RecordTable } from '../../components/record-table';
import { show } from '../../lib/testing';
import { EventList, type EventListRow } from './event-list';
import type { EventPart } from './event-window';
import type { LoggedEvent } from './monitor';

const event = (position: number) =>
  ({
    position,
    cursor: `c${position}`,
    eventId: `e${position}`,
    type: 'Happened',
    actor: { name: 'Ada' },
    occurredAt: '2026-01-01T00:00:00Z',
  }) as LoggedEvent;
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, place) => event(from + place));

/** Reads pages of ten of a log that is this long. */
const pages = (newest: number) =>
  vi.fn(async (before: string | null): Promise<EventPart> => {
    const to = before === null ? newest : Number(before.slice(1)) - 1;
    const from = Math.max(1, to - 9);
    const rows = range(from, to).map((each) => ({ ...each, id: each.eventId }));
    return { rows: rows.reverse(), before: from > 1 ? `c${from}` : null };
  });
const positions = (list: EventList) => list.get().rows.map(({ position }) => position);
const settled = () => new Promise((done) => setTimeout(done));

test('what reads on stays the same function, so that the table stays where it is', async () => {
  const list = new EventList(pages(50), () => true);
  const { loadMore } = list;
  list.start(range(1, 50));
  await settled();
  list.loadMore();
  await settled();
  expect([list.loadMore === loadMore, positions(list).length]).toEqual([true, 20]);
  list.stop();
});

test('a page that failed can be asked for again, and leaves what is here', async () => {
  const read = pages(50);
  const list = new EventList(read, () => true);
  list.start(range(1, 50));
  await settled();
  read.mockRejectedValueOnce(new Error('gone'));
  list.loadMore();
  await settled();
  expect([list.get().error?.message, positions(list).length]).toEqual(['gone', 10]);
  list.loadMore();
  await settled();
  expect([list.get().error, positions(list).length]).toEqual([undefined, 20]);
  list.stop();
});

test('a list that is held or scrolled stands from that moment on', async () => {
  const list = new EventList(pages(50), () => true);
  list.start(range(1, 50));
  await settled();
  list.scrolled(true);
  list.hold(true);
  list.take(range(1, 60));
  list.scrolled(false);
  expect([positions(list)[0], list.get().arrived]).toEqual([50, 10]);
  list.hold(false);
  expect([positions(list)[0], list.get().arrived]).toEqual([60, 0]);
  list.stop();
});

test('beginning anew shows what was there until the first page is here', async () => {
  const read = pages(50);
  const list = new EventList(read, () => true);
  list.start(range(1, 50));
  await settled();
  list.restart();
  expect(positions(list).length).toBe(10);
  list.take(range(1, 51));
  await settled();
  expect(positions(list).slice(0, 2)).toEqual([51, 50]);
  // Also when that one failed, and is asked for again.
  read.mockRejectedValueOnce(new Error('gone'));
  list.restart();
  await settled();
  expect([list.get().error?.message, positions(list).length]).toEqual(['gone', 11]);
  list.take(range(1, 52));
  list.loadMore();
  await settled();
  expect(list.get().error).toBeUndefined();
  expect(positions(list).slice(0, 2)).toEqual([52, 50]);
  list.stop();
});

const columns = [{ key: 'type', header: 'Event', cell: ({ type }: EventListRow) => type }];

function Table({ list }: { list: EventList }) {
  const state = useSyncExternalStore(list.subscribe, list.get);
  const { loadMore, restart, scrolled, showArrived } = list;
  return (
    <RecordTable
      label="Events"
      list={{ ...state, loadMore, restart, scrolled, showArrived }}
      columns={columns}
      open={() => {}}
      empty="Nothing"
    />
  );
}

test('a table reads on behind pages on which nothing was found', async () => {
  const row = { ...event(3), id: 'e3' };
  const read = vi
    .fn(async (): Promise<EventPart> => ({ rows: [row], before: null }))
    .mockResolvedValueOnce({ rows: [], before: 'c9' })
    .mockResolvedValueOnce({ rows: [], before: 'c9' });
  const list = new EventList(read, () => true);
  const { text, end } = await show(
    <MantineProvider env="test">
      <Table list={list} />
    </MantineProvider>,
  );
  await act(async () => {
    list.start([]);
    await settled();
  });
  await act(settled);
  expect(read).toHaveBeenCalledTimes(3);
  expect(text()).toContain('1 loaded');
  list.stop();
  await end();
});
