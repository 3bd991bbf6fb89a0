// Who the page belongs to, when one person follows another in it.
import type { SessionChange } from '@millrace/client';
import { Client } from '@urql/core';
import { act, useState } from 'react';
import { expect, test, vi } from 'vitest';
import { filter, fromPromise, mergeMap, pipe } from 'wonka';

const played = vi.hoisted(() => ({
  userId: undefined as string | undefined,
  listeners: new Set<(change: SessionChange) => void>(),
  answers: [] as (() => void)[],
}));
vi.mock('./millrace', () => ({
  millrace: {
    get userId() {
      return played.userId;
    },
    restore: async () => played.userId !== undefined,
    signOut: async () => left(),
    onSession: (listener: (change: SessionChange) => void) => {
      played.listeners.add(listener);
      return () => played.listeners.delete(listener);
    },
  },
}));
vi.mock('./urql', () => ({
  createUrql: () => {
    const id = played.userId;
    return new Client({
      url: '/graphql',
      exchanges: [
        () => (operations) =>
          pipe(
            operations,
            filter(({ kind }) => kind === 'query'),
            mergeMap((operation) =>
              fromPromise(
                new Promise<never>((resolve) => {
                  const me = { id, name: `The name of ${id}`, role: 'MEMBER' };
                  const result = { operation, data: { me }, stale: false, hasNext: true };
                  played.answers.push(() => resolve(result as never));
                }),
              ),
            ),
          ),
      ],
    });
  },
}));

import { SessionProvider, useSession } from './session';
import { show } from './testing';

function enter(userId: string | undefined) {
  played.userId = userId;
  for (const listener of played.listeners) listener(userId ? 'begun' : 'ended');
}
function left() {
  played.userId = undefined;
  for (const listener of played.listeners) listener('left');
}
const answer = () =>
  act(async () => {
    for (const give of played.answers.splice(0)) give();
  });

let mounted = 0;
let leave: () => Promise<void>;
function Page() {
  const { state, me, signOut } = useSession();
  leave = signOut;
  const [own] = useState(() => ++mounted);
  return `${state} ${me?.name ?? 'nobody yet'} page ${own}`;
}
test('nobody sees who was here before, and whoever comes back finds their page', async () => {
  played.userId = 'ada';
  const { text } = await show(
    <SessionProvider>
      <Page />
    </SessionProvider>,
  );
  await answer();
  expect(text()).toBe('in The name of ada page 1');

  // It ends by itself, and she signs in again: the page stays as it is.
  await act(async () => enter(undefined));
  expect(text()).toBe('expired The name of ada page 1');
  await act(async () => enter('ada'));
  await answer();
  expect(text()).toBe('in The name of ada page 1');

  // Somebody else does, as in another tab.
  await act(async () => enter('grace'));
  expect(text()).toBe('in nobody yet page 2');
  await answer();
  expect(text()).toBe('in The name of grace page 2');

  // She leaves, and a third comes.
  await act(() => leave());
  expect(text()).toBe('out nobody yet page 3');
  await act(async () => enter('mary'));
  expect(text()).toMatch(/^in nobody yet/);
  await answer();
  expect(text()).toMatch(/^in The name of mary/);

  // She leaves in another tab.
  await act(async () => left());
  expect(text()).toMatch(/^out nobody yet/);

  // A session that ended by itself may be left, too.
  await act(async () => enter('ada'));
  await answer();
  await act(async () => enter(undefined));
  expect(text()).toMatch(/^expired The name of ada/);
  await act(async () => left());
  expect(text()).toMatch(/^out nobody yet/);
});
