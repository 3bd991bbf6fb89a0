import { MillraceError, type Operation, type Sink } from '@millrace/client';
import { gql } from '@urql/core';
import { act } from 'react';
import { expect, test, vi } from 'vitest';

const played = vi.hoisted(() => ({ sinks: [] as Sink[] }));
vi.mock('./millrace', () => ({
  millrace: {
    run: (_: Operation, sink: Sink) => {
      played.sinks.push(sink);
      return () => {};
    },
  },
}));

import { Provider } from 'urql';
import { isEmpty, useLive } from './live';
import { answer } from './live-list';
import { show } from './testing';
import { createUrql } from './urql';

test('null beside errors does not say that something does not exist', () => {
  expect([isEmpty({ post: null }), isEmpty(undefined), isEmpty(null)]).toEqual([true, true, true]);
  expect([isEmpty({ post: null, me: {} }), isEmpty({ count: 0 })]).toEqual([false, false]);
});

test('a list that is null is a failure, and one that is there is shown beside errors', () => {
  const sink = { next: vi.fn(), failed: vi.fn() };
  const list = { nodes: [], pageInfo: { hasNextPage: false } };
  const error = new MillraceError('TIMEOUT', 'too slow');
  answer(null, 'cursor', error, sink);
  expect(sink.failed).toHaveBeenLastCalledWith(error);
  answer(list, 'cursor', error, sink);
  expect(sink.next).toHaveBeenLastCalledWith(list, 'cursor');
  // The cache knows nothing yet.
  answer(null, undefined, undefined, sink);
  expect(sink.failed).toHaveBeenCalledTimes(1);
  answer(null, 'cursor', undefined, sink);
  expect(sink.failed).toHaveBeenCalledTimes(2);
});

const count = gql<{ count: number | null }, { of: string }>(
  'query Count($of: String!) @live { count(of: $of) }',
);
function Count({ of }: { of: string }) {
  const { data, failure } = useLive(count, { of });
  return `${of}: ${data?.count ?? 'nothing'} ${failure?.code ?? ''}`.trim();
}

test('what is shown stays while its query fails in passing, and only then', async () => {
  const urql = createUrql();
  const page = (of: string) => (
    <Provider value={urql}>
      <Count of={of} />
    </Provider>
  );
  const tell = (data: { count: number | null } | null, code?: string) => {
    const errors = code ? [{ message: code, extensions: { code } }] : undefined;
    return act(async () => played.sinks.at(-1)?.next({ data, ...(errors && { errors }) }));
  };
  const turn = () => act(() => new Promise((resolve) => setTimeout(resolve)));
  const { text, again, end } = await show(page('a'));
  await turn();
  await tell({ count: 1 });
  expect(text()).toBe('a: 1');
  await tell(null, 'TIMEOUT');
  expect(text()).toBe('a: 1 TIMEOUT');
  await tell({ count: 2 });
  expect(text()).toBe('a: 2');
  await tell(null, 'FORBIDDEN');
  expect(text()).toBe('a: nothing FORBIDDEN');
  await tell({ count: 3 });
  await again(page('b'));
  await turn();
  await tell(null, 'TIMEOUT');
  expect(text()).toBe('b: nothing TIMEOUT');
  await end();
});
