// biome-ignore-all lint/a11y/useSemanticElements: the table is one of roles
// biome-ignore-all lint/a11y/useFocusableInteractive: what is focused in a header is its button
// How a RecordTable is sorted: by its headers, and on phones, which have none, by a menu.
import { Button, Menu } from '@mantine/core';
import { ArrowDown, ArrowUp } from 'lucide-react';
import type { Sort } from '../lib/search';
import type { Column } from './record-row';
import classes from './record-table.module.css';

/** What another click on a column gives. */
const next = (field: string, sort: Sort | undefined) =>
  sort?.field === field && sort.direction === 'ASC' ? `-${field}` : field;

export function Header<R>({
  column: { header, sort: field, isNumber },
  sort,
  onSort,
}: {
  column: Column<R>;
  sort: Sort | undefined;
  onSort: ((sort: string) => void) | undefined;
}) {
  const isSorted = field !== undefined && sort?.field === field;
  const isAscending = sort?.direction === 'ASC';
  const Arrow = isAscending ? ArrowUp : ArrowDown;
  return (
    <span
      role="columnheader"
      className={classes.header}
      data-number={isNumber || undefined}
      aria-sort={isSorted ? (isAscending ? 'ascending' : 'descending') : undefined}
    >
      {field && onSort ? (
        <button type="button" onClick={() => onSort(next(field, sort))}>
          {header}
          {isSorted && <Arrow size={12} aria-hidden />}
        </button>
      ) : (
        header
      )}
    </span>
  );
}

export function SortMenu<R>({
  columns,
  sort,
  onSort,
}: {
  columns: readonly Column<R>[];
  sort: Sort | undefined;
  onSort: (sort: string) => void;
}) {
  const sorted = columns.find(({ sort: field }) => field && field === sort?.field);
  const Arrow = sort?.direction === 'ASC' ? ArrowUp : ArrowDown;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button
          className={classes.sorted}
          variant="subtle"
          color="gray"
          size="compact-sm"
          rightSection={<Arrow size={12} aria-hidden />}
        >
          Sorted by {(sorted?.header ?? 'newest').toLowerCase()}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {columns.map(
          ({ key, header, sort: field }) =>
            field && (
              <Menu.Item key={key} onClick={() => onSort(next(field, sort))}>
                {header}
              </Menu.Item>
            ),
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
