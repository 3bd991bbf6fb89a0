// The way out of a list in which nothing is like what was asked for: the search and all filters go, the order stays.
import { Button } from '@mantine/core';
import { useListSearch } from '../lib/search';

export function ClearFilters() {
  const { search, set } = useListSearch();
  const names = Object.keys(search).filter((name) => name !== 'sort');
  if (names.length === 0) return null;
  return (
    <Button
      variant="default"
      onClick={() => set(Object.fromEntries(names.map((name) => [name, undefined])))}
    >
      Remove the filters
    </Button>
  );
}
