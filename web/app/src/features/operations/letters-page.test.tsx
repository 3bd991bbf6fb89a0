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

test('all are read once, however often it is clicked, and nothing is done when they were left', async () => {
  let answer: (letters: readonly []) => void = () => {};
  const loadAll = vi.fn(() => new Promise<readonly []>((done) => (answer = done)));
  const [replayEach, discardEach] = [vi.fn(), vi.fn()];
  const { element, end } = await show(
    <MantineProvider env="test">
      <AllActions
        filter={{ consumer: 'posts' }}
        total={25_000}
        loadAll={loadAll}
        replay={vi.fn()}
        replayEach={replayEach}
        discard={vi.fn()}
        discardEach={discardEach}
      />
    </MantineProvider>,
  );
  const buttons = [...element.querySelectorAll('button')];
  expect(buttons.map(({ textContent }) => textContent)).toEqual([
    'Replay the first 10,000',
    'Discard the first 10,000…',
  ]);
  for (const button of [...buttons, ...buttons]) await act(async () => button.click());
  expect(loadAll).toHaveBeenCalledTimes(1);
  await act(async () => answer([]));
  expect(replayEach).not.toHaveBeenCalled();
  expect(buttons.map(({ disabled }) => disabled)).toEqual([false, false]);
  await end();
});
