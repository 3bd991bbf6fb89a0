import { MillraceError, type Operation, type Sink } from '@millrace/client';
import { gql } from '@urql/core';
import { act, createElement } from 'react';
import { Provider } from 'urql';
import { beforeEach, expect, test, vi } from 'vitest';

const opened = vi.hoisted(() => [] as { sink: Sink; stop: ReturnType<typeof vi.fn> }[]);
vi.mock('./millrace', () => ({
  millrace: {
    run: (_: Operation, sink: Sink) => {
      const stop = vi.fn();
      opened.push({ sink, stop });
      return stop;
    },
  },
}));

import { retryMs } from './errors';
import { follow, useCurrent } from './events';
import { show } from './testing';
import { createUrql } from './urql';

beforeEach(() => {
  vi.useFakeTimers();
  opened.length = 0;
});

test('events go on after the cursor is not known any more, and after the gateway failed', () => {
  const got: unknown[] = [];
  const end = follow<string>({ query: 'subscription { news }' }, (data) => got.push(data));
  for (const [place, code] of ['CURSOR_EXPIRED', 'UNAVAILABLE', 'INTERNAL'].entries()) {
    opened[place]?.sink.next({ data: code });
    // One that could not be read ends nothing.
    opened[place]?.sink.next({ data: null, errors: [{ message: 'no' }] });
    opened[place]?.sink.error(new MillraceError(code, code));
    vi.advanceTimersByTime(10 * retryMs);
    expect(opened).toHaveLength(place + 2);
  }
  opened[3]?.sink.complete();
  vi.advanceTimersByTime(retryMs);
  opened[4]?.sink.next({ data: 'last' });
  expect(got).toEqual(['CURSOR_EXPIRED', 'UNAVAILABLE', 'INTERNAL', 'last']);
  end();
  expect(opened[4]?.stop).toHaveBeenCalled();
});

test('they end when nobody is signed in, and when nobody listens', () => {
  follow({ query: 'subscription { news }' }, () => {});
  opened[0]?.sink.error(new MillraceError('UNAUTHENTICATED', 'over'));
  const end = follow({ query: 'subscription { news }' }, () => {});
  opened[1]?.sink.error(new MillraceError('CURSOR_EXPIRED', 'over'));
  end();
  vi.advanceTimersByTime(100 * retryMs);
  expect(opened).toHaveLength(2);
});

const Trend = gql('subscription Trend($window: String!) { trend(window: $window) }');
function Shown({ window, pause }: { window: string; pause: boolean }) {
  const data = useCurrent(Trend, { window }, { pause }) as { trend: string } | undefined;
  return data?.trend ?? 'nothing yet';
}

test('what is now goes on after its stream has ended or failed, and is shown meanwhile', async () => {
  const urql = createUrql();
  const page = (window: string, pause = false) =>
    createElement(Provider, { value: urql }, createElement(Shown, { window, pause }));
  const { text, again, end } = await show(page('day'));
  const later = (ms: number) => act(async () => vi.advanceTimersByTime(ms));
  const tell = (place: number, trend: string) =>
    act(async () => opened[place]?.sink.next({ data: { trend } }));
  // One that runs is left alone, whether something came or not.
  await later(10 * retryMs);
  await tell(0, 'first');
  await later(10 * retryMs);
  expect([text(), opened.length]).toEqual(['first', 1]);
  await act(async () => opened[0]?.sink.complete());
  await later(retryMs);
  expect([text(), opened.length]).toEqual(['first', 2]);
  // It ends before anything came.
  await act(async () => opened[1]?.sink.complete());
  await later(retryMs);
  await act(async () => opened[2]?.sink.error(new MillraceError('INTERNAL', 'no')));
  await later(retryMs);
  expect([text(), opened.length]).toEqual(['first', 3]);
  await later(9 * retryMs);
  await tell(3, 'second');
  await later(10 * retryMs);
  expect([text(), opened.length]).toEqual(['second', 4]);
  await again(page('week'));
  await later(10 * retryMs);
  expect([opened.length, opened[3]?.stop.mock.calls.length]).toEqual([5, 1]);
  await again(page('week', true));
  await later(10 * retryMs);
  expect([opened.length, opened[4]?.stop.mock.calls.length]).toEqual([5, 1]);
  await again(page('week'));
  await act(async () => opened[5]?.sink.error(new MillraceError('UNAUTHENTICATED', 'over')));
  await later(100 * retryMs);
  expect(opened).toHaveLength(6);
  await end();
});
