// What the monitor follows ends now and then: it begins anew, and the pages say that they stand still meanwhile.
import { MillraceError, type Operation, type Sink } from '@millrace/client';
import { act } from 'react';
import { beforeEach, expect, test, vi } from 'vitest';

const played = vi.hoisted(() => ({
  streams: [] as { text: string; sink: Sink; stop: ReturnType<typeof vi.fn> }[],
  asked: [] as string[],
}));
vi.mock('../../lib/graphql', () => ({ graphql: (text: string) => text }));
vi.mock('../../lib/millrace', () => ({
  millrace: {
    userId: 'admin',
    state: { transport: 'websocket' },
    onState: () => () => {},
    onSession: () => () => {},
    query: async ({ query }: Operation) => {
      played.asked.push(String(query));
      const eventLog = { nodes: [{ eventId: `e${played.asked.length}` }] };
      return { data: { eventLog }, extensions: { cursor: 'c' } };
    },
    run: ({ query }: Operation, sink: Sink) => {
      const stop = vi.fn();
      played.streams.push({ text: String(query), sink, stop });
      return stop;
    },
  },
}));
vi.mock('@tanstack/react-router', () => ({ Link: () => null }));
vi.mock('../../components/page', () => ({
  Page: ({ children }: { children: unknown }) => children,
}));

import { retryMs } from '../../lib/errors';
import { show } from '../../lib/testing';
import { OperationsFrame } from './frame';
import { monitor } from './monitor';

const of = (name: string) => played.streams.filter(({ text }) => text.includes(name));
const later = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
const page = <OperationsFrame>what was heard</OperationsFrame>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', async () => new Response());
});

test('both streams begin anew after they failed or ended, and the page says so until then', async () => {
  const { text, end } = await show(page);
  await later(0);
  const status = { followers: [], handlers: [], breakers: [] };
  const tell = () =>
    act(async () =>
      of('StatusChanges')
        .at(-1)
        ?.sink.next({ data: { workerStatus: status } }),
    );
  await tell();
  expect([monitor.get().isFollowed, text()]).toEqual([true, 'what was heard']);

  for (const [round, failure] of [new MillraceError('UNAVAILABLE', 'no'), undefined].entries()) {
    const ended = of('NewEvents').at(-1);
    await act(async () => (failure ? ended?.sink.error(failure) : ended?.sink.complete()));
    expect([monitor.get().isFollowed, monitor.get().failure?.code]).toEqual([false, 'UNAVAILABLE']);
    expect(text()).toContain('What is shown here stands still');
    await later(retryMs);
    expect([of('NewEvents').length, monitor.get().isFollowed]).toEqual([round + 2, true]);
    expect(text()).toBe('what was heard');
  }

  for (const [round, failure] of [new MillraceError('INTERNAL', 'no'), undefined].entries()) {
    const ended = of('StatusChanges').at(-1);
    await act(async () => (failure ? ended?.sink.error(failure) : ended?.sink.complete()));
    expect(text()).toContain('What is shown here stands still');
    await later(10 * retryMs);
    expect(of('StatusChanges').length).toBe(round + 2);
    await tell();
    expect(text()).toBe('what was heard');
  }

  // Nobody is there to watch for.
  await act(async () => of('NewEvents').at(-1)?.sink.error(new MillraceError('UNAVAILABLE', 'no')));
  await end();
  await later(10 * retryMs);
  expect(of('NewEvents').length).toBeLessThanOrEqual(4);
  const before = played.streams.length;
  await later(100 * retryMs);
  expect(played.streams.length).toBe(before);
});
