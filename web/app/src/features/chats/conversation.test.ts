// A conversation against a gateway that is played: what it makes of failures, of lost cursors, and of days.
import { MillraceError, type Operation, type Sink } from '@millrace/client';
import { Client, type OperationResult } from '@urql/core';
import { beforeEach, expect, test, vi } from 'vitest';
import { filter, makeSubject, merge, type never, pipe, tap } from 'wonka';

const followed = vi.hoisted(() => [] as { operation: Operation; sink: Sink; isOver: boolean }[]);
vi.mock('../../lib/millrace', () => ({
  millrace: {
    onSession: () => {},
    onState: () => {},
    outbox: { onSettled: () => {}, list: async () => [] },
    run: (operation: Operation, sink: Sink) => {
      const stream = { operation, sink, isOver: false };
      followed.push(stream);
      return () => {
        stream.isOver = true;
      };
    },
  },
}));

import { retryMs } from '../../lib/errors';
import { Conversation } from './conversation';

const message = (number: number) => ({
  id: `m${number}`,
  number,
  text: `text ${number}`,
  createdAt: '2026-01-01T00:00:00Z',
  editedAt: null,
  deletedAt: null,
  author: { id: 'user_ada', name: 'Ada' },
});

function start() {
  const asked: OperationResult['operation'][] = [];
  const answers = makeSubject<OperationResult>();
  const urql = new Client({
    url: '/graphql',
    exchanges: [
      () => (operations) =>
        merge([
          answers.source,
          pipe(
            operations,
            tap((operation) => operation.kind === 'query' && asked.push(operation)),
            filter(() => false),
          ) as typeof never,
        ]) as never,
    ],
  });
  const conversation = new Conversation(urql, 'chat_1');
  conversation.start();
  /** `isCached`: the cache has it, and the gateway is still asked. */
  const answer = (chat: object | null, code?: string, isCached = false) =>
    answers.next({
      operation: asked.at(-1),
      data: { chat },
      ...(code && { error: new MillraceError(code, code) }),
      extensions: { cursor: `c${asked.length}` },
      stale: isCached,
      hasNext: false,
    } as never);
  const page = (...numbers: number[]) => ({
    id: 'chat_1',
    unreadCount: 0,
    messages: { pageInfo: { hasNextPage: true, endCursor: 'e' }, nodes: numbers.map(message) },
  });
  const numbers = () => conversation.get().messages.map(({ number }) => number);
  return { conversation, asked, answer, page, numbers };
}

beforeEach(() => {
  vi.useFakeTimers();
  followed.length = 0;
});

test('a chat that is null beside errors is no chat that is gone: it is tried again', () => {
  const { conversation, asked, answer, page, numbers } = start();
  answer(null, 'TIMEOUT');
  expect([conversation.get().isGone, conversation.get().error?.message]).toEqual([
    false,
    'TIMEOUT',
  ]);
  vi.advanceTimersByTime(retryMs);
  expect(asked).toHaveLength(2);
  answer(page(2, 1));
  expect([numbers(), conversation.get().error]).toEqual([[1, 2], undefined]);
});

test('events that end are followed anew from a fresh page, and what is shown stays meanwhile', () => {
  const { conversation, asked, answer, page, numbers } = start();
  answer(page(1));
  expect(followed[0]?.operation.variables).toEqual({ id: 'chat_1', after: 'c1' });
  followed[0]?.sink.next({ data: { chatEvents: { type: 'MESSAGE_SENT', message: message(2) } } });
  for (const [place, code] of ['CURSOR_EXPIRED', 'UNAVAILABLE'].entries()) {
    followed[place]?.sink.error(new MillraceError(code, code));
    vi.advanceTimersByTime(retryMs);
    expect([numbers(), asked.length, followed[place]?.isOver]).toEqual([[1, 2], place + 2, true]);
    answer(page(2, 1));
    expect(followed).toHaveLength(place + 2);
  }
  followed[2]?.sink.error(new MillraceError('INTERNAL', 'INTERNAL'));
  vi.advanceTimersByTime(10 * retryMs);
  expect([conversation.get().error?.message, asked.length]).toEqual(['INTERNAL', 3]);
  conversation.stop();
});

test('a chat that is not followed begins anew, also after an older page has failed', async () => {
  const { conversation, asked, answer, page } = start();
  const isFirst = () => asked.at(-1)?.variables?.after === null;
  answer(page(2, 1), undefined, true);
  answer(null, 'TIMEOUT');
  conversation.loadOlder();
  expect(isFirst()).toBe(false);
  answer(null, 'TIMEOUT');
  await vi.advanceTimersByTimeAsync(retryMs);
  expect([isFirst(), asked.length]).toEqual([true, 3]);
  answer(page(2, 1));
  expect(followed).toHaveLength(1);
  // The same when the events have ended, while what is followed only says so for a moment.
  conversation.loadOlder();
  answer(null, 'TIMEOUT');
  await vi.advanceTimersByTimeAsync(retryMs);
  expect([conversation.get().error, asked.length]).toEqual([undefined, 4]);
  followed[0]?.sink.error(new MillraceError('UNAVAILABLE', 'UNAVAILABLE'));
  conversation.loadOlder();
  answer(null, 'TIMEOUT');
  await vi.advanceTimersByTimeAsync(retryMs);
  expect([isFirst(), asked.length]).toEqual([true, 6]);
  // And when they end for good after that.
  answer(page(2, 1));
  conversation.loadOlder();
  answer(null, 'TIMEOUT');
  followed[1]?.sink.error(new MillraceError('INTERNAL', 'INTERNAL'));
  await vi.advanceTimersByTimeAsync(retryMs);
  expect([isFirst(), asked.length]).toEqual([true, 8]);
  conversation.stop();
});

test('what is far past is let go, and read again', () => {
  const { conversation, asked, answer, page, numbers } = start();
  answer(page(1));
  for (let number = 2; number <= 2_100; number += 1)
    followed[0]?.sink.next({
      data: { chatEvents: { type: 'MESSAGE_SENT', message: message(number) } },
    });
  expect(numbers()).toHaveLength(2_100);
  conversation.trim();
  expect(asked).toHaveLength(2);
  answer(page(2_100, 2_099));
  expect([numbers(), conversation.get().hasOlder]).toEqual([[2_099, 2_100], true]);
});
