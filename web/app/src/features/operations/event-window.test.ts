// The live list of events under load: no hole, bounds at both ends, and what is looked at stays.
import { expect, test } from 'vitest';
import { EventWindow } from './event-window';
import type { LoggedEvent } from './monitor';

const event = (position: number) =>
  ({
    position,
    cursor: `c${position}`,
    eventId: `e${position}`,
    type: position % 2 === 0 ? 'Even' : 'Odd',
  }) as LoggedEvent;
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, place) => event(from + place));
const row = (position: number) => ({ ...event(position), id: `e${position}` });
const page = (from: number, to: number) => ({
  rows: range(from, to)
    .map(({ position }) => row(position))
    .reverse(),
  before: from > 1 ? `c${from}` : null,
});
const positions = (list: EventWindow) => list.shown.rows.map(({ position }) => position);
/** As the gateway would answer the list's next page. */
const readOn = (list: EventWindow) => {
  const { before } = list.shown;
  const to = Number(before?.slice(1)) - 1;
  list.read(before, page(Math.max(1, to - 49), to));
};
const everything = () => true;

function opened(newest: number, isWanted: (event: LoggedEvent) => boolean = everything) {
  const list = new EventWindow(range(Math.max(1, newest - 99), newest), isWanted);
  list.read(null, page(newest - 9, newest));
  return list;
}

test('what comes while the first page is read is shown once', () => {
  const list = new EventWindow(range(1, 10), everything);
  list.take(range(1, 14));
  list.read(null, page(3, 12));
  list.take(range(1, 15));
  expect(positions(list)).toEqual([15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
});

test('a first page that takes long leaves no hole', () => {
  const list = new EventWindow(range(1, 100), everything);
  list.take(range(5_001, 6_000));
  list.read(null, page(5_491, 5_500));
  readOn(list);
  expect(positions(list)).toEqual(
    range(4_951, 6_000)
      .map(({ position }) => position)
      .reverse(),
  );
});

test('a flood leaves no hole: below what is shown, reading goes on', () => {
  const list = opened(100);
  // The buffer of the monitor has turned over since.
  expect(list.take(range(5_001, 6_000))).toHaveLength(1_000);
  expect(positions(list).at(-1)).toBe(5_001);
  readOn(list);
  const all = positions(list);
  expect(all).toEqual(
    range(4_951, 6_000)
      .map(({ position }) => position)
      .reverse(),
  );
});

test('hours of a flood take no more room than minutes', () => {
  const list = opened(100);
  for (let newest = 150; newest <= 20_000; newest += 50)
    list.take(range(Math.max(1, newest - 999), newest));
  const all = positions(list);
  expect(all).toHaveLength(2_000);
  expect(all[0]).toBe(20_000);
  readOn(list);
  expect(positions(list).at(-1)).toBe(20_000 - 2_000 - 49);
});

test('what is looked at stays through a flood, and then all is there', () => {
  const list = opened(100);
  const before = list.shown;
  list.stand(true);
  for (let newest = 150; newest <= 20_000; newest += 50)
    list.take(range(Math.max(1, newest - 999), newest));
  expect(list.shown).toBe(before);
  expect(list.arrived).toBe(19_900);
  list.stand(false);
  expect([list.arrived, positions(list)[0]]).toEqual([0, 20_000]);
  const count = positions(list).length;
  readOn(list);
  expect(positions(list)).toEqual(
    range(20_000 - count - 49, 20_000)
      .map(({ position }) => position)
      .reverse(),
  );
});

test('a page of a part that has gone meanwhile is not joined to another', () => {
  const list = opened(100);
  const { before } = list.shown;
  list.take(range(5_001, 6_000));
  list.read(before, page(41, 90));
  expect(positions(list).at(-1)).toBe(5_001);
});

test('a filter that nothing passes has no hole either', () => {
  const list = opened(100, ({ type }) => type === 'None');
  list.take(range(5_001, 6_000));
  expect(list.shown).toEqual({ rows: [], before: 'c5001' });
});
