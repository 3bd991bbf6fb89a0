// Looking for one event in a log that this file makes up.
import type { Operation } from '@millrace/client';
import { expect, test, vi } from 'vitest';

/** The version of each event of the one stream, by its position. */
const log = vi.hoisted(() => ({ versions: [] as number[] }));
vi.mock('../../lib/graphql', () => ({ graphql: (text: string) => text }));
vi.mock('../../lib/millrace', () => ({
  millrace: {
    query: async ({ query, variables = {} }: Operation) => {
      const node = (at: number) => ({ version: log.versions[at], cursor: `c${at}`, position: at });
      const part = (from: number, to: number) => {
        const places = log.versions.map((_, at) => at).slice(Math.max(from, 0), to);
        const [first] = places;
        const pageInfo = { hasPreviousPage: (first ?? 0) > 0, startCursor: `c${first}` };
        return { nodes: places.map(node), pageInfo, searchedTo: null };
      };
      const { last, before, count, cursor } = variables as {
        last: number;
        before?: string;
        count: number;
        cursor: string;
      };
      if (String(query).includes('EventsAround')) {
        const at = Number(cursor.slice(1));
        return { data: { earlier: part(at - count, at), later: part(at + 1, at + 1 + count) } };
      }
      const end = before ? Number(before.slice(1)) : log.versions.length;
      return { data: { eventLog: part(end - last, end) } };
    },
  },
}));

import { find, neighbours } from './event-search';

const { signal } = new AbortController();
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
const look = (version: number, from?: string) => find({ streamId: 's', version, from }, signal);

test('what is further back than it looks is not called gone, and is found by looking on', async () => {
  log.versions = numbers(1, 6_001);
  const { event, lookedTo } = await look(7);
  expect([event, lookedTo]).toEqual([null, 'c1000']);
  const found = await look(7, lookedTo);
  expect([found.event?.version, found.earlier.length]).toEqual([7, 6]);
  expect((await look(1_500)).event?.version).toBe(1_500);
});

test('what was pruned is gone', async () => {
  log.versions = numbers(301, 501);
  expect(await look(300)).toEqual({ event: null, earlier: [] });
  expect(await look(501)).toEqual({ event: null, earlier: [] });
});

test('neighbours are those on both sides, however many events a second has', async () => {
  log.versions = numbers(1, 1_001);
  const positions = (await neighbours('c500', signal)).map(({ position }) => position);
  expect(positions).toEqual([...numbers(450, 500), ...numbers(501, 551)]);
  expect(await neighbours('c0', signal)).toHaveLength(50);
});
