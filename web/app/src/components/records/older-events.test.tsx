// A history of many events, read back to its beginning while it goes on at its end.
import { act } from 'react';
import { expect, test, vi } from 'vitest';

const failed = vi.hoisted(() => vi.fn());
vi.mock('../../lib/toasts', () => ({ sayFailed: failed }));

import { show } from '../../lib/testing';
import { type EventsPart, useOlderEvents } from './older-events';

type Part = EventsPart<{ version: number }>;
const part = (from: number, to: number): Part => ({
  edges: Array.from({ length: to - from + 1 }, (_, place) => ({
    cursor: `c${from + place}`,
    node: { version: from + place },
  })),
});
const older = vi.fn(async (before: string) => {
  const end = Number(before.slice(1)) - 1;
  return part(Math.max(1, end - 99), end);
});

let more: () => Promise<void>;
function Shown({ newest }: { newest: Part | undefined }) {
  const { events, hasMore, loadMore } = useOlderEvents(newest, older);
  more = loadMore;
  return `${events[0]?.version}-${events.at(-1)?.version} of ${events.length}${hasMore ? ', more' : ''}`;
}

test('what was before the last hundred is read page by page, beside what is new', async () => {
  const { text, again, end } = await show(<Shown newest={undefined} />);
  expect(text()).toBe('undefined-undefined of 0');
  await again(<Shown newest={part(151, 250)} />);
  expect(text()).toBe('151-250 of 100, more');
  older.mockRejectedValueOnce(new Error('no line'));
  await act(() => more());
  expect([text(), failed.mock.calls.length]).toEqual(['151-250 of 100, more', 1]);
  await act(() => more());
  expect(text()).toBe('51-250 of 200, more');
  await again(<Shown newest={part(152, 251)} />);
  await act(() => more());
  expect(text()).toBe('1-251 of 251');
  await end();
});
