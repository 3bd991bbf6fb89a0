// What was typed before the page was left, and what others did meanwhile.
import { MantineProvider } from '@mantine/core';
import {
  createMemoryHistory,
  createRootRoute,
  createRouter,
  RouterProvider,
} from '@tanstack/react-router';
import { act, useState } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Fields } from './fields';
import { type EditorProps, type Known, RecordEditor } from './record-editor';

interface Customer extends Known {
  name: string;
  phone: string;
}

const fields: Fields = [
  { key: 'name', label: 'Name', kind: 'text' },
  { key: 'phone', label: 'Phone', kind: 'tel' },
];
const first: Customer = { version: 1, updatedAt: '2026-01-01T00:00:00Z', name: 'Ada', phone: '' };
const second: Customer = { ...first, version: 2, phone: '5', updatedBy: { name: 'Bea' } };

let root: Root | undefined;
const save = vi.fn<EditorProps<Customer>['save']>(async () => {});

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  // jsdom and its like lay nothing out.
  vi.stubGlobal('scrollTo', () => {});
  save.mockClear();
  sessionStorage.clear();
});
afterEach(async () => {
  await close();
  vi.unstubAllGlobals();
});

/** Opens the editor over a record; returns what shows another state of it. */
async function open(record: Customer): Promise<(next: Customer) => Promise<void>> {
  let show: (next: Customer) => void = () => {};
  const rootRoute = createRootRoute({ component: Editor });
  const router = createRouter({ routeTree: rootRoute, history: createMemoryHistory() });
  function Editor() {
    const [now, set] = useState(record);
    show = set;
    const reload = async () => now;
    return <RecordEditor {...{ fields, save, reload }} record={now} draft="d" close={() => {}} />;
  }
  const place = document.body.appendChild(document.createElement('div'));
  root = createRoot(place);
  await act(async () => {
    await router.load();
    root?.render(
      <MantineProvider env="test">
        <RouterProvider router={router} />
      </MantineProvider>,
    );
  });
  return (next) => act(async () => show(next));
}

async function close() {
  await act(async () => root?.unmount());
  document.body.replaceChildren();
}

const field = (name: string) =>
  document.querySelector<HTMLInputElement>(`input[data-path="${name}"]`) as HTMLInputElement;

function type(name: string, text: string) {
  return act(async () => {
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
    set?.call(field(name), text);
    field(name).dispatchEvent(new Event('input', { bubbles: true }));
  });
}

function submit() {
  return act(async () => {
    document
      .querySelector('form')
      ?.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  });
}

test('a draft is taken up at the version from which it began', async () => {
  await open(first);
  await type('name', 'Ada L.');
  await close();
  await open(second);
  expect([field('name').value, field('phone').value]).toEqual(['Ada L.', '']);
  expect(document.body.textContent).toContain('Bea changed this, too');
  await submit();
  expect(save.mock.calls).toEqual([[{ name: 'Ada L.' }, 1]]);
});

test('what was typed stays while others save, and keeps its version', async () => {
  const show = await open(first);
  await type('name', 'Ada L.');
  await show(second);
  expect([field('name').value, field('phone').value]).toEqual(['Ada L.', '']);
  await submit();
  expect(save.mock.calls).toEqual([[{ name: 'Ada L.' }, 1]]);
});

test('a form in which nothing was typed follows the record', async () => {
  const show = await open(first);
  await show(second);
  expect(field('phone').value).toBe('5');
  await type('name', 'Ada L.');
  await submit();
  expect(save.mock.calls).toEqual([[{ name: 'Ada L.' }, 2]]);
});
