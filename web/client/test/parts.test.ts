// The parts that need no gateway: reading documents, event streams in pieces, back-off, live answers, the state, iterating.
import { parse } from 'graphql';
import { describe, expect, it, vi } from 'vitest';
import { delayMs, SharedBackoff } from '../src/backoff.ts';
import { isSecret, read } from '../src/document.ts';
import { EventParser } from '../src/event-stream.ts';
import { iterate } from '../src/iterate.ts';
import { LiveAnswer } from '../src/live.ts';
import { Status } from '../src/status.ts';
import type { Result, Sink } from '../src/types.ts';

describe('read', () => {
  it('finds the variable of the cursor', () => {
    const query = 'subscription ($from: String) { customerChanged(after: $from) { type } }';
    expect(read({ query })).toMatchObject({ kind: 'subscription', after: 'from', isStream: true });
    expect(read({ query: parse(query) }).after).toBe('from');
    expect(read({ query: 'subscription { customerStatistics { total } }' }).after).toBeUndefined();
    expect(read({ query: 'query ($a: String) { posts(after: $a) { id } }' }).after).toBeUndefined();
  });

  it('finds the root fields of fragments', () => {
    const spread =
      'subscription ($from: String) { ...S } fragment S on Subscription { ...S postFeed(after: $from) { type } }';
    expect(read({ query: spread }).after).toBe('from');
    const inline = 'subscription ($from: String) { ... { postFeed(after: $from) { type } } }';
    expect(read({ query: inline }).after).toBe('from');
    const secret = 'mutation { ...M } fragment M on Mutation { signIn(input: {}) { x } }';
    expect(isSecret(read({ query: secret }))).toBe(true);
  });

  it('refuses a cursor that it could not move', () => {
    const query = 'subscription { customerChanged(after: "1-2-3") { type } }';
    expect(() => read({ query })).toThrow(/variable/);
  });

  it('tells operations apart', () => {
    const query =
      'query A @live { me { id } } mutation B { signIn(input: {}) { x } } query C { me { id } }';
    expect(read({ query, operationName: 'A' }).isStream).toBe(true);
    expect(read({ query, operationName: 'C' }).isStream).toBe(false);
    expect(isSecret(read({ query, operationName: 'B' }))).toBe(true);
    expect(() => read({ query, operationName: 'D' })).toThrow(/no such operation/);
    expect(() => read({ query: 'query {' })).toThrow(
      expect.objectContaining({ code: 'GRAPHQL_PARSE_FAILED' }),
    );
  });
});

describe('EventParser', () => {
  const text =
    ': comment\r\n\r\nevent: next\r\ndata: {"a":\r\ndata: 1}\r\n\r\nevent: next\ndata: {"ü": "☃"}\nid: 7\n\nretry: 5\n\nevent: complete\ndata:\n\n';
  const events = [
    { event: 'next', data: '{"a":\n1}' },
    { event: 'next', data: '{"ü": "☃"}' },
    { event: 'complete', data: '' },
  ];

  it('reads events however they are cut', () => {
    for (let first = 0; first < text.length; first++) {
      for (const second of [first, first + 1, first + 7]) {
        const parser = new EventParser();
        const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        expect(pieces.flatMap((piece) => parser.push(piece))).toEqual(events);
      }
    }
  });

  it('reads an event of many pieces in the time of its length', () => {
    const parser = new EventParser();
    const piece = 'x'.repeat(4_096);
    parser.push('event: next\ndata: ');
    const began = Date.now();
    for (let pieces = 0; pieces < 8_192; pieces++) expect(parser.push(piece)).toEqual([]);
    const [event] = parser.push('\n\n');
    expect(event?.data).toHaveLength(4_096 * 8_192);
    // Each piece looked at again with all before it would be a hundred gigabytes.
    expect(Date.now() - began).toBeLessThan(20_000);
  });

  it('gives nothing of an event that is not complete', () => {
    expect(new EventParser().push('event: next\ndata: {"a": 1}\n')).toEqual([]);
  });
});

describe('back-off', () => {
  it('grows to its longest, half of it at random', () => {
    const bounds = { firstMs: 100, longestMs: 1000 };
    for (let failures = 0; failures < 40; failures++) {
      const ceilingMs = Math.min(1000, 100 * 2 ** failures);
      const ms = delayMs(failures, bounds);
      expect(ms).toBeGreaterThanOrEqual(ceilingMs / 2);
      expect(ms).toBeLessThanOrEqual(ceilingMs);
    }
  });

  it('counts one loss once, and can be hurried', async () => {
    const backoff = new SharedBackoff({ firstMs: 60_000, longestMs: 60_000 });
    const [one, other] = await Promise.all([backoff.ready(), backoff.ready()]);
    expect(backoff.failed(one)).toBe(true);
    expect(backoff.failed(other)).toBe(false);
    const next = backoff.ready();
    backoff.hurry();
    const second = await next;
    expect(second).not.toBe(one);
    backoff.failed(second, 60_000);
    let isDue = false;
    const asked = backoff.ready().then(() => {
      isDue = true;
    });
    backoff.hurry();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isDue, 'a delay that the gateway asked for').toBe(false);
    backoff.restart();
    await asked;
  });
});

describe('LiveAnswer', () => {
  const whole = (data: unknown, revision?: number, digest = 'd') =>
    ({ data, revision, extensions: { cursor: 'c', digest } }) as Result;
  const patched = (revision: number, value?: number, path = '/a') => {
    const patch = value === undefined ? [] : [{ op: 'replace', path, value }];
    return { revision, patch, extensions: { cursor: 'c', digest: `d${revision}` } } as Result;
  };

  it('applies patches that follow, and refuses others', () => {
    const live = new LiveAnswer();
    expect(live.begin()).toBeUndefined();
    expect(live.next(whole({ a: 1 }, 1))).toMatchObject({ data: { a: 1 } });
    expect(live.next(patched(2, 5))).toEqual({
      data: { a: 5 },
      extensions: { cursor: 'c', digest: 'd2' },
    });
    expect(live.next(patched(4, 6))).toBeUndefined();
    expect(live.next(patched(3, 6, '/b'))).toBeUndefined();
    expect(live.next(whole({ a: 7 }, 1))).toMatchObject({ data: { a: 7 } });
    expect(live.next(whole({ a: 8 }))).toMatchObject({ data: { a: 8 } });
  });

  it('goes on from what is here after a lost line', () => {
    const live = new LiveAnswer();
    live.next(whole({ a: 1 }, 1, 'x'));
    expect(live.begin()).toEqual({ digest: 'x', cursor: 'c' });
    const unchanged = { extensions: { unchanged: true, cursor: 'c2', digest: 'x' } };
    expect(live.next(unchanged)).toBe('unchanged');
    expect(live.begin()).toEqual({ digest: 'x', cursor: 'c2' });
    expect(live.next(patched(1))).toMatchObject({ data: { a: 1 } });
    expect(live.next(patched(2, 2))).toMatchObject({ data: { a: 2 } });
  });

  it('takes no patch of what it does not have', () => {
    const live = new LiveAnswer();
    expect(live.next(patched(1))).toBeUndefined();
    live.next(whole({ a: 1 }, 1));
    live.forget();
    live.begin();
    expect(live.next(patched(1))).toBeUndefined();
  });
});

describe('Status', () => {
  it('says what is so, and counts what was caught up', () => {
    vi.useFakeTimers();
    const status = new Status();
    const words: string[] = [];
    status.subscribe(() => words.push(status.get().status));
    status.began();
    status.opened('websocket', 10);
    expect(status.get().status).toBe('connecting');
    status.started(false);
    // Another event stream, for another subscription.
    status.opened('event-stream', 10);
    status.received();
    status.lost();
    status.reached(false);
    status.opened('event-stream', 400);
    status.received();
    status.received();
    vi.advanceTimersByTime(700);
    expect(status.get().status).toBe('resuming');
    vi.advanceTimersByTime(200);
    expect(status.get()).toEqual({
      status: 'live',
      caughtUp: 2,
      waiting: 0,
      transport: 'event-stream',
    });
    status.ended(true);
    expect([...new Set(words)]).toEqual(['connecting', 'live', 'resuming', 'offline', 'idle']);
    vi.useRealTimers();
  });
});

describe('iterate', () => {
  const start = () => {
    const calls: string[] = [];
    let sink: Sink<number> | undefined;
    const iterator = iterate<number>((given) => {
      sink = given;
      return {
        stop: () => calls.push('stop'),
        pause: () => calls.push('pause'),
        resume: () => calls.push('resume'),
      };
    });
    return { calls, iterator, sink: sink as Sink<number> };
  };

  it('pauses for a slow reader, and resumes', async () => {
    const { calls, iterator, sink } = start();
    for (let data = 0; data < 1000; data++) sink.next({ data });
    expect(calls).toEqual(['pause']);
    for (let data = 0; data < 900; data++) expect((await iterator.next()).value.data).toBe(data);
    expect(calls).toEqual(['pause', 'resume']);
  });

  it('stops when the reader does, also while it waits', async () => {
    const { calls, iterator } = start();
    const waiting = iterator.next();
    await iterator.return?.();
    expect((await waiting).done).toBe(true);
    expect(calls).toContain('stop');
  });
});
