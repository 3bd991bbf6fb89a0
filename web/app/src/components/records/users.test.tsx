// Who is here, in a list whose rows have changed since they were read.
import type { Operation, Result, Sink } from '@millrace/client';
import { act } from 'react';
import { expect, test, vi } from 'vitest';

const played = vi.hoisted(() => ({
  runs: [] as { text: string; sink: Sink }[],
  once: [] as ((result: Result) => void)[],
}));
vi.mock('../../lib/millrace', () => ({
  millrace: {
    run: ({ query }: Operation, sink: Sink) => {
      played.runs.push({ text: JSON.stringify(query), sink });
      return () => {};
    },
    execute: () => new Promise<Result>((answer) => played.once.push(answer)),
  },
}));
vi.mock('../../lib/session', () => ({ useSession: () => ({ me: { id: 'user_ada' } }) }));

import { Provider } from 'urql';
import { show } from '../../lib/testing';
import { createUrql } from '../../lib/urql';
import { useUserList } from './users';

const user = (id: string, version: number, availability: string) => ({
  __typename: 'User',
  id,
  name: id,
  avatarUrl: null,
  availability,
  username: null,
  version,
  role: 'MEMBER',
  createdAt: '2026-01-01T00:00:00Z',
  lastSeenAt: null,
  deactivatedAt: null,
});
const page = (...nodes: unknown[]) => ({
  data: {
    users: {
      __typename: 'UserConnection',
      totalCount: nodes.length,
      pageInfo: { __typename: 'PageInfo', hasNextPage: false, endCursor: null },
      nodes,
    },
  },
  extensions: { cursor: 'c1' },
});

function List() {
  const { list } = useUserList({ filter: {}, sort: { field: 'NAME', direction: 'ASC' } });
  return list.rows
    .map(({ name, version, availability }) => `${name} ${version} ${availability}`)
    .join();
}

const turn = () => act(() => new Promise((resolve) => setTimeout(resolve)));
const sinkOf = (name: string) => played.runs.find(({ text }) => text.includes(name))?.sink;
const here = (id: string, availability: string) => {
  const user = { __typename: 'User', id, availability, lastSeenAt: null };
  const availabilityChanged = { __typename: 'AvailabilityChange', user };
  return act(async () => sinkOf('availabilityChanged')?.next({ data: { availabilityChanged } }));
};

test('who comes and goes is told of somebody who has changed, too', {
  timeout: 60_000,
}, async () => {
  const { text, end } = await show(
    <Provider value={createUrql()}>
      <List />
    </Provider>,
  );
  await turn();
  await act(async () => {
    sinkOf('query UserPage')?.next(page(user('a', 1, 'OFFLINE'), user('b', 1, 'OFFLINE')));
    sinkOf('query UserPage')?.complete();
  });
  await turn();
  await here('a', 'ONLINE');
  await here('b', 'ONLINE');
  expect(text()).toBe('a 1 ONLINE,b 1 ONLINE');

  // What is asked because of a change goes past the cache.
  const changed = user('b', 2, 'ONLINE');
  const actor = { __typename: 'User', name: 'b', id: 'b' };
  const userChanged = { type: 'UPDATED', occurredAt: changed.createdAt, actor, user: changed };
  await act(async () => sinkOf('userChanged')?.next({ data: { userChanged } }));
  await act(() => vi.waitFor(() => expect(played.once).toHaveLength(1), 60_000));
  await act(async () => played.once[0]?.(page(changed)));
  expect(text()).toBe('a 1 ONLINE,b 2 ONLINE');
  await here('a', 'AWAY');
  await here('b', 'OFFLINE');
  expect(text()).toBe('a 1 AWAY,b 2 OFFLINE');
  await end();
});
