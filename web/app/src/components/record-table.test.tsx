// A table that is so high that it shows all rows of the first page, which the cache had.
import { MantineProvider } from '@mantine/core';
import { expect, test } from 'vitest';
import type { LiveListState } from '../lib/live-list';
import { show } from '../lib/testing';
import { RecordTable } from './record-table';

interface Row {
  id: string;
  version: number;
}

test('reads on once the gateway has answered the first page', async () => {
  let isFollowed = false;
  const pages: boolean[] = [];
  // A function that stays the same, as that of a list does.
  const loadMore = () => void pages.push(isFollowed);
  const table = () => {
    const list: LiveListState<Row> = {
      rows: [{ id: 'a', version: 1 }],
      total: 60,
      hasMore: true,
      isLoading: false,
      isLoadingMore: false,
      isFollowed,
      error: undefined,
      changed: new Map(),
      arrived: 0,
      loadMore,
      restart: () => {},
      scrolled: () => {},
      showArrived: () => {},
    };
    return (
      <MantineProvider env="test">
        <RecordTable
          label="Things"
          list={list}
          columns={[{ key: 'id', header: 'Name', cell: ({ id }) => id }]}
          open={() => {}}
          openId={undefined}
          empty={null}
        />
      </MantineProvider>
    );
  };
  const { again, end } = await show(table());
  isFollowed = true;
  await again(table());
  expect(pages.at(-1)).toBe(true);
  await end();
});
