// Clicks that come faster than they are answered.
import { act } from 'react';
import { beforeEach, expect, test, vi } from 'vitest';

const played = vi.hoisted(() => ({ failures: [] as unknown[] }));
vi.mock('./toasts', () => ({ sayFailed: (cause: unknown) => played.failures.push(cause) }));

import { show } from './testing';
import { useWish } from './wish';

let sent: { value: boolean; answer: () => void; fail: (cause: Error) => void }[];
const send = (value: boolean) =>
  new Promise<void>((answer, fail) => sent.push({ value, answer, fail }));

let choose: (value: boolean) => void;
function Toggle({ id, actual }: { id: string; actual: boolean }) {
  const [value, wish] = useWish(id, actual, send);
  choose = wish;
  return value ? 'on' : 'off';
}
const wish = (...values: boolean[]) =>
  act(async () => {
    for (const value of values) choose(value);
  });
const values = () => sent.map(({ value }) => value);

beforeEach(() => {
  sent = [];
  played.failures = [];
});

test('one is on its way at a time, and the last wish counts', async () => {
  const { text, again, end } = await show(<Toggle id="a" actual={false} />);
  await wish(true, false, true, false);
  expect([text(), values()]).toEqual(['off', [true]]);
  await act(async () => sent[0]?.answer());
  expect([text(), values()]).toEqual(['off', [true, false]]);
  await wish(true);
  await wish(false);
  await act(async () => sent[1]?.answer());
  expect([text(), values()]).toEqual(['off', [true, false]]);
  // It is fulfilled, so what others make of it shows.
  await again(<Toggle id="a" actual={true} />);
  expect(text()).toBe('on');
  await end();
});

test('what is read may be behind what was answered, for a moment', async () => {
  vi.useFakeTimers();
  try {
    const { text, end } = await show(<Toggle id="b" actual={false} />);
    await wish(true);
    await act(async () => sent[0]?.answer());
    expect(text()).toBe('on');
    await act(() => vi.advanceTimersByTimeAsync(2_000));
    expect(text()).toBe('off');
    await end();
  } finally {
    vi.useRealTimers();
  }
});

test('what is refused is said, and another wish is tried', async () => {
  const { text, end } = await show(<Toggle id="c" actual={false} />);
  await wish(true);
  await act(async () => sent[0]?.fail(new Error('no')));
  expect([text(), played.failures.length]).toEqual(['off', 1]);
  await wish(true, false);
  await act(async () => sent[1]?.fail(new Error('no')));
  expect([values(), played.failures.length]).toEqual([[true, true, false], 2]);
  await end();
});
