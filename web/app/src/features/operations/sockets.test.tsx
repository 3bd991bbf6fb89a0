// The numbers of sockets: in words, and asked for again while the page is seen.
import { MantineProvider } from '@mantine/core';
import { act } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

const at = (gateway: string, socketCount: number) => ({
  gateway,
  socketCount,
  since: '2026-01-02T03:04:05Z',
});
const sockets = vi.hoisted(() => ({ of: [] as unknown[] | null }));
const query = vi.hoisted(() =>
  vi.fn(async () => ({ data: { nodes: [{ id: 'user_1', sockets: sockets.of }, null] } })),
);
vi.mock('../../lib/millrace', () => ({ millrace: { query } }));

import { show } from '../../lib/testing';
import { SocketsCell, SocketsShown, useSockets } from './sockets';

const ids = ['user_1', 'user_2'];
const seen = vi.spyOn(document, 'visibilityState', 'get');

function People() {
  return (
    <MantineProvider env="test">
      <SocketsShown value={useSockets(ids)}>
        <main>
          {ids.map((id) => (
            <SocketsCell key={id} userId={id} />
          ))}
        </main>
      </SocketsShown>
    </MantineProvider>
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  query.mockClear();
  seen.mockReturnValue('visible');
});
afterEach(() => void vi.useRealTimers());
/** What the cells say, beside the style sheets of the library. */
const told = (element: Element) => element.querySelector('main')?.textContent;
const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

test('they are counted over gateways, and asked for again while the page is seen', async () => {
  sockets.of = [at('web-1:8080', 2), at('web-2:8080', 1)];
  const { element, end } = await show(<People />);
  expect(told(element)).toBe('3 at 2 gateways');
  sockets.of = [at('', 1)];
  await pass(5_000);
  expect(told(element)).toBe('1');
  seen.mockReturnValue('hidden');
  sockets.of = [];
  await pass(20_000);
  expect(query).toHaveBeenCalledTimes(2);
  seen.mockReturnValue('visible');
  await pass(5_000);
  expect(told(element)).toBe('none');
  await end();
  await pass(20_000);
  expect(query).toHaveBeenCalledTimes(3);
});

test('what is shown stays when an answer fails, and where is told on focus', async () => {
  sockets.of = [at('web-1:8080', 2), at('', 1)];
  const { element, end } = await show(<People />);
  query.mockRejectedValueOnce(new Error('no line'));
  await pass(5_000);
  expect(told(element)).toBe('3 at 2 gateways');
  await pass(5_000);
  expect(query).toHaveBeenCalledTimes(3);
  await act(async () => element.querySelector('button')?.focus());
  const lines = document.querySelector('[role=tooltip]')?.textContent ?? '';
  expect(lines).toMatch(/^2 at web-1:8080 since .+\n1 at a gateway of an earlier version since /);
  await end();
});
