// A side of the demonstration whose streams end: it goes on behind what it has heard, and counts nothing twice.
import { MillraceError, type Operation, type Sink } from '@millrace/client';
import { expect, test, vi } from 'vitest';

const opened = vi.hoisted(() => [] as { variables: unknown; sink: Sink }[]);
vi.mock('../../lib/graphql', () => ({ graphql: (text: string) => text }));
vi.mock('../../lib/millrace', () => ({ millrace: {} }));
vi.mock('@millrace/client', async (original) => ({
  ...(await original<object>()),
  createClient: () => ({
    run: ({ variables }: Operation, sink: Sink) => {
      opened.push({ variables, sink });
      return () => {};
    },
    dispose: () => {},
  }),
}));

import { retryMs } from '../../lib/errors';
import { Side } from './side';

test('a stream that has ended goes on behind its last event', () => {
  vi.useFakeTimers();
  const side = new Side({ name: 'Ada', email: 'ada@example.com', role: 'STAFF' });
  const of = (id: string) => ({ id, version: 1 }) as never;
  const chat = { id: 'chat', version: 1, messages: { nodes: [] } } as never;
  side.follow({ chat, post: of('post'), customer: of('customer'), cursor: 'c1' });
  expect(opened.map(({ variables }) => variables)).toEqual(
    ['chat', 'post', 'customer'].map((id) => ({ id, after: 'c1' })),
  );
  const tell = (place: number, version: number) =>
    opened[place]?.sink.next({
      data: { postChanged: { version, post: of('post') } },
      extensions: { cursor: `c${version}` },
    });
  tell(1, 2);
  opened[1]?.sink.error(new MillraceError('UNAVAILABLE', 'no'));
  vi.advanceTimersByTime(retryMs);
  expect(opened[3]?.variables).toEqual({ id: 'post', after: 'c2' });
  tell(3, 3);
  opened[3]?.sink.complete();
  vi.advanceTimersByTime(retryMs);
  expect(opened[4]?.variables).toEqual({ id: 'post', after: 'c3' });
  expect(side.get()).toMatchObject({ received: 2, missed: 0, doubled: 0 });
  side.dispose();
  vi.advanceTimersByTime(100 * retryMs);
  expect(opened).toHaveLength(5);
});
