// Something done with many, as the page sees it: its rows go, it can be stopped, and it ends with the page.
import { MantineProvider } from '@mantine/core';
import { Notifications, notifications } from '@mantine/notifications';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Answer } from '../../lib/bulk';
import { type Bulk, useBulk } from './bulk';

interface Named {
  id: string;
  name: string;
}

const rows = ['a', 'b', 'c', 'd'].map((id) => ({ id, name: id.toUpperCase() }));
let [root, bulk]: [Root | undefined, Bulk<Named> | undefined] = [undefined, undefined];
let answer: (answers: readonly Answer[]) => void = () => {};
const send = vi.fn(() => new Promise<readonly Answer[]>((done) => (answer = done)));

function Page() {
  bulk = useBulk<Named>();
  return bulk.shown;
}

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  send.mockClear();
  root = createRoot(document.body.appendChild(document.createElement('div')));
  await act(async () =>
    root?.render(
      <MantineProvider env="test">
        <Notifications />
        <Page />
      </MantineProvider>,
    ),
  );
});
afterEach(async () => {
  await act(async () => root?.unmount());
  await act(async () => notifications.clean());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

const button = (name: string) =>
  [...document.querySelectorAll('button')].find(({ textContent }) => textContent === name);
const click = (name: string) => act(async () => button(name)?.click());
const answered = (...answers: Answer[]) => act(async () => answer(answers));
const begin = () =>
  act(async () => {
    void bulk?.run({
      rows,
      doing: 'Deleting',
      done: (count) => `${count} were deleted`,
      send,
      undo: send,
      size: 2,
    });
  });

test('its progress is shown, and Stop ends it behind what is under way', async () => {
  await begin();
  expect(document.body.textContent).toContain('Deleting 0 of 4');
  await click('Stop');
  await answered({ index: 0 }, { index: 1 });
  expect(send).toHaveBeenCalledTimes(1);
  expect(document.body.textContent).toContain('2 were deleted, 2 were not tried');
  expect(button('Stop')).toBeUndefined();
});

test('an undo is shown and can be stopped, too', async () => {
  await begin();
  await answered({ index: 0 }, { index: 1 });
  await answered({ index: 0 }, { index: 1 });
  await click('Undo');
  expect(document.body.textContent).toContain('Undoing 0 of 4');
  expect(button('Stop')).toBeDefined();
  const refusal = { message: 'is at another version', violations: [] };
  await answered({ index: 0 }, { index: 1, error: refusal }, { index: 2 }, { index: 3 });
  expect(document.body.textContent).toContain('3 as before, 1 not: B is at another version');
});

test('it ends with the page', async () => {
  await begin();
  await act(async () => root?.render(<MantineProvider env="test">{null}</MantineProvider>));
  await answered({ index: 0 }, { index: 1 });
  expect(send).toHaveBeenCalledTimes(1);
});
