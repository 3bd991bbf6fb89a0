// A list on urql: pages by the cache; changes, and what is asked because of them, past it.
import type { Operation, Result, Sink } from '@millrace/client';
import { gql } from '@urql/core';
import { act } from 'react';
import { expect, test, vi } from 'vitest';

const played = vi.hoisted(() => ({
  queries: [] as { operation: Operation; sink: Sink }[],
  streams: [] as { operation: Operation; sink: Sink; isOver: boolean }[],
  once: [] as { operation: Operation; answer: (result: Result) => void }[],
}));
vi.mock('./millrace', () => ({
  millrace: {
    run: (operation: Operation, sink: Sink) => {
      const isStream = JSON.stringify(operation.query).includes('"subscription"');
      const each = { operation, sink, isOver: false };
      (isStream ? played.streams : played.queries).push(each);
      return () => {
        each.isOver = true;
      };
    },
    execute: (operation: Operation) =>
      new Promise<Result>((answer) => played.once.push({ operation, answer })),
  },
}));
vi.mock('./session', () => ({ useSession: () => ({ me: { id: 'user_ada' } }) }));

import { Provider } from 'urql';
import { useLiveList } from './live-list';
import { inOrder } from './search';
import { show } from './testing';
import { createUrql } from './urql';

interface Row {
  id: string;
  version: number;
  name: string;
}
type PageData = {
  things: { nodes: Row[]; totalCount: number; pageInfo: { hasNextPage: boolean } };
};
type ChangeData = { changed: { id: string; row: Row | null } };
const page = gql<PageData>(
  'query Things($first: Int!, $after: String, $filter: F) { things(first: $first, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage } nodes { id version name } } }',
);
const changes = gql<ChangeData>(
  'subscription Changes($after: String) { changed(after: $after) { id row { id version name } } }',
);
const actor = { name: 'Grace', id: 'user_grace' };
const thing = (id: string) => ({ __typename: 'Thing', id, version: 1, name: id });
const things = (...ids: string[]) => ({
  data: {
    things: {
      __typename: 'ThingConnection',
      totalCount: ids.length,
      pageInfo: { __typename: 'PageInfo', hasNextPage: false },
      nodes: ids.map(thing),
    },
  },
  extensions: { cursor: 'c1' },
});

function List() {
  const { rows, total, error } = useLiveList<Row, PageData, ChangeData>({
    page,
    connection: ({ things }) => things && { ...things, total: things.totalCount },
    changes,
    change: ({ changed: { id, row } }) =>
      row ? { row, type: 'CHANGED', actor, at: '2026-01-01T00:00:00Z' } : { gone: id },
    filter: { color: 'red' },
    compare: inOrder<Row>('ASC', ({ name }) => name),
  });
  return `${rows.map(({ name }) => name).join()} of ${total} ${error?.message ?? ''}`.trim();
}

const turn = () => act(() => new Promise((resolve) => setTimeout(resolve)));

test('a change is followed and asked about past the cache, which is read once', {
  timeout: 60_000,
}, async () => {
  const { text, end } = await show(
    <Provider value={createUrql()}>
      <List />
    </Provider>,
  );
  await turn();
  await act(async () => {
    played.queries[0]?.sink.next(things('b'));
    played.queries[0]?.sink.complete();
  });
  expect(text()).toBe('b of 1');
  expect(played.streams.map(({ operation }) => operation.variables)).toEqual([{ after: 'c1' }]);

  for (const [place, id] of ['a', 'c'].entries()) {
    await act(async () =>
      played.streams[0]?.sink.next({ data: { changed: { id, row: thing(id) } } }),
    );
    await act(() => vi.waitFor(() => expect(played.once).toHaveLength(1), 60_000));
    const [asked] = played.once.splice(0);
    expect(asked?.operation.variables).toMatchObject({
      filter: { and: [{ color: 'red' }, { id: { in: [id] } }] },
    });
    await act(async () => asked?.answer(things(id)));
    const [count] = played.once.splice(0);
    expect(count?.operation.variables).toMatchObject({ first: 1, filter: { color: 'red' } });
    await act(async () => count?.answer(things(...'abc'.slice(0, place + 2))));
  }
  expect(text()).toBe('a,b,c of 3');
  await act(async () =>
    played.streams[0]?.sink.next({ data: { changed: { id: 'b', row: null } } }),
  );
  expect(text()).toBe('a,c of 3');
  await act(() => vi.waitFor(() => expect(played.once).toHaveLength(1), 60_000));
  expect(played.once[0]?.operation.variables).toMatchObject({
    filter: { and: [{ color: 'red' }, { id: { in: ['b'] } }] },
  });
  expect([played.queries.length, played.streams.length]).toEqual([1, 1]);
  await end();
  expect(played.streams[0]?.isOver).toBe(true);
});
