// A filter that is typed is one step in the history of the browser, not one for each letter.
import { MantineProvider } from '@mantine/core';
import { act } from 'react';
import { expect, test, vi } from 'vitest';

const address = vi.hoisted(() => ({
  search: {} as Record<string, string | undefined>,
  told: [] as unknown[],
}));
vi.mock('../lib/search', () => ({
  useListSearch: () => ({
    search: address.search,
    set: (more: Record<string, string | undefined>, how?: unknown) => {
      address.told.push([more, how]);
      address.search = { ...address.search, ...more };
    },
  }),
}));

import { show } from '../lib/testing';
import { FilterBar } from './filter-bar';

const page = () => (
  <MantineProvider env="test">
    <FilterBar noun="Users" filters={[{ key: 'name', label: 'Name', kind: 'text' }]} />
  </MantineProvider>
);

test('the letters that follow replace the first', async () => {
  address.search = { name: 'a' };
  const { element, again, end } = await show(page());
  await act(async () => element.querySelector<HTMLButtonElement>('button')?.click());
  const field = () => document.querySelector('input') as HTMLInputElement;
  const type = async (text: string) => {
    await act(async () => {
      // React hears of what its own setter has not set.
      const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value') ?? {};
      set?.call(field(), text);
      field().dispatchEvent(new Event('input', { bubbles: true }));
    });
    await again(page());
  };
  await type('ab');
  await type('');
  await type('b');
  await type('bc');
  expect(address.told).toEqual([
    [{ name: 'ab' }, { replace: true }],
    [{ name: undefined }, { replace: true }],
    [{ name: 'b' }, { replace: false }],
    [{ name: 'bc' }, { replace: true }],
  ]);
  await end();
});
