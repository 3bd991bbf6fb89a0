// Typing faster than the address follows.
import { MantineProvider } from '@mantine/core';
import { act } from 'react';
import { beforeEach, expect, test, vi } from 'vitest';

const address = vi.hoisted(() => ({
  search: undefined as string | undefined,
  told: [] as unknown[],
}));
vi.mock('../lib/search', () => ({
  useListSearch: () => ({
    search: { search: address.search },
    set: ({ search }: { search: string | undefined }) => address.told.push(search),
  }),
}));

import { show } from '../lib/testing';
import { SearchField } from './search-field';

const page = () => (
  <MantineProvider env="test">
    <SearchField label="Find" />
  </MantineProvider>
);

beforeEach(() => {
  vi.useFakeTimers();
  Object.assign(address, { search: undefined, told: [] });
});

test('what is typed stays while the address follows, and gives way to another address', async () => {
  const { element, again, end } = await show(page());
  const field = element.querySelector('input') as HTMLInputElement;
  const type = (text: string) =>
    act(async () => {
      // React hears of what its own setter has not set.
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, text);
      field.dispatchEvent(new Event('input', { bubbles: true }));
    });
  const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));
  const arrive = async (search: string | undefined) => {
    address.search = search;
    await again(page());
  };

  await type('a');
  await pass(200);
  await type('ab');
  await arrive('a');
  expect(field.value).toBe('ab');
  await pass(200);
  await type('abc');
  await pass(200);
  expect(address.told).toEqual(['a', 'ab', 'abc']);
  // The one in between is left out, as it is when navigations overtake each other.
  await arrive('abc');
  expect(field.value).toBe('abc');

  // Another address takes the place also of what is not told yet.
  await type('abcd');
  await arrive('a');
  expect(field.value).toBe('a');
  await pass(1_000);
  expect(address.told).toHaveLength(3);
  await type('');
  await pass(200);
  expect(address.told.at(-1)).toBeUndefined();
  await arrive(undefined);
  expect(field.value).toBe('');
  await end();
});
