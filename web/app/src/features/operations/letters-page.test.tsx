// The page of dead letters: what is done with all that a filter shows, and when the list is read again.
import { MantineProvider } from '@mantine/core';
import { act } from 'react';
import { expect, test, vi } from 'vitest';

const query = vi.hoisted(() =>
  vi.fn(async () => ({
    data: { deadLetters: { nodes: [], totalCount: 0, pageInfo: { hasNextPage: false } } },
  })),
);
vi.mock('../../lib/millrace', () => ({ millrace: { query } }));

import { show } from '../../lib/testing';
import { useLetterList } from './letter-list';
import { AllActions } from './letters-page';

function List({ counted }: { counted: number | undefined }) {
  useLetterList({}, counted);
  return null;
}

test('the list is read again for another number of letters, but not while that is kept from it', async () => {
  const { again, end } = await show(<List counted={9} />);
  await again(<List counted={8} />);
  expect(query).toHaveBeenCalledTimes(2);
  await again(<List counted={undefined} />);
  expect(query).toHaveBeenCalledTimes(2);
  await again(<List counted={5} />);
  expect(query).toHaveBeenCalledTimes(3);
  await end();
});

test('all that the filter shows are one call, however often it is clicked', async () => {
  let done: () => void = () => {};
  const replay = vi.fn(() => new Promise<void>((resolve) => (done = resolve)));
  const discard = vi.fn();
  const { element, again, end } = await show(
    <MantineProvider env="test">
      <AllActions filter={{ consumer: 'posts' }} total={25_000} replay={replay} discard={discard} />
    </MantineProvider>,
  );
  const buttons = [...element.querySelectorAll('button')];
  expect(buttons.map(({ textContent }) => textContent)).toEqual([
    'Replay all shown',
    'Discard all shown…',
  ]);
  for (const button of [...buttons, ...buttons]) await act(async () => button.click());
  expect(replay.mock.calls).toEqual([[{ filter: { consumer: 'posts' } }]]);
  expect(discard).not.toHaveBeenCalled();
  await act(async () => done());
  await act(async () => buttons[1]?.click());
  expect(discard.mock.calls).toEqual([
    [{ filter: { consumer: 'posts' } }, 'the 25,000 dead letters that the filter shows'],
  ]);
  await again(
    <MantineProvider env="test">
      <AllActions filter={{}} total={1} replay={replay} discard={discard} />
    </MantineProvider>,
  );
  await act(async () => element.querySelector('button')?.click());
  expect(replay.mock.lastCall).toEqual([{ all: true }]);
  await end();
});
