import { MillraceError, type Operation, type Sink } from '@millrace/client';
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
import { follow } from './events';

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
