// biome-ignore-all lint/a11y/useSemanticElements: rows are placed by transforms, which the elements of tables do not allow
// biome-ignore-all lint/a11y/useFocusableInteractive: what is focused in a row is its link
// A list of records: virtual rows that are sorted by their headers, opened, and selected for a bar of actions; cards on phones.
// What somebody else has just changed is tinted, with who did it on hover. New rows above the fold wait behind a button.
import { Button, Checkbox, Group } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { type CSSProperties, type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react';
import { asFailure, explain } from '../lib/errors';
import type { Row } from '../lib/list';
import type { LiveListState } from '../lib/live-list';
import type { Sort } from '../lib/search';
import { Failed } from './failed';
import { Lines } from './page';
import classes from './record-table.module.css';

export interface Column<R> {
  key: string;
  header: string;
  /** A track of a CSS grid. */
  width?: string;
  /** The field of the order that a click on the header gives. */
  sort?: string;
  /** Numbers and times stand at the right. */
  isNumber?: boolean;
  /** Cards on phones have no room for it. */
  isWide?: boolean;
  cell(row: R): ReactNode;
}

interface Props<R extends Row> {
  label: string;
  list: LiveListState<R>;
  /** The first column leads to the record, and is the title of a card. */
  columns: readonly Column<R>[];
  open(row: R): void;
  openId?: string | undefined;
  sort?: Sort | undefined;
  onSort?: (sort: string) => void;
  selection?: ReadonlySet<string>;
  onSelect?: (selection: ReadonlySet<string>) => void;
  /** What can be done with those that are selected. */
  bulk?: ReactNode;
  empty: ReactNode;
}

export function RecordTable<R extends Row>(props: Props<R>) {
  const { label, list, columns, selection, onSelect, bulk, empty } = props;
  const isPhone = useMediaQuery('(max-width: 767px)') ?? false;
  const scroller = useRef<HTMLDivElement>(null);
  const { rows, hasMore, error, loadMore, scrolled } = list;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isPhone ? 72 : 36),
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows have another height there
  useEffect(() => virtual.measure(), [isPhone]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !error && last >= rows.length - 30) loadMore();
  }, [hasMore, error, last, rows.length, loadMore]);

  if (list.isLoading && !list.error) return <Lines count={10} />;
  if (list.error && rows.length === 0) return <Failed error={list.error} retry={list.restart} />;
  if (rows.length === 0 && !hasMore) return empty;
  const template = [
    ...(onSelect && !isPhone ? ['36px'] : []),
    ...columns.map(({ width }) => width ?? 'minmax(0, 1fr)'),
  ].join(' ');
  const isAll =
    selection !== undefined && selection.size > 0 && rows.every(({ id }) => selection.has(id));
  return (
    <div
      className={classes.table}
      role="table"
      aria-label={label}
      aria-rowcount={list.total ?? -1}
      style={{ '--columns': template } as CSSProperties}
    >
      {!isPhone && (
        <div role="rowgroup" className={classes.head}>
          <div role="row" className={classes.line}>
            {onSelect && (
              <span role="columnheader" className={classes.check}>
                <Checkbox
                  size="xs"
                  aria-label="Select all that are loaded"
                  checked={isAll}
                  indeterminate={!isAll && (selection?.size ?? 0) > 0}
                  onChange={() => onSelect(isAll ? new Set() : new Set(rows.map(({ id }) => id)))}
                />
              </span>
            )}
            {columns.map((column) => (
              <Header key={column.key} column={column} sort={props.sort} onSort={props.onSort} />
            ))}
          </div>
        </div>
      )}
      {list.arrived > 0 && (
        <Button
          className={classes.arrived}
          size="compact-sm"
          radius="xl"
          onClick={() => {
            list.showArrived();
            scroller.current?.scrollTo({ top: 0, behavior: 'smooth' });
          }}
        >
          {list.arrived} new
        </Button>
      )}
      <div
        ref={scroller}
        role="rowgroup"
        className={classes.scroller}
        onScroll={({ currentTarget }) => scrolled(currentTarget.scrollTop > 40)}
        onKeyDown={moveFocus}
      >
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start, size }) => {
            const row = rows[index];
            return (
              row && (
                <RecordRow
                  key={row.id}
                  row={row}
                  index={index}
                  style={{ transform: `translateY(${start}px)`, height: size }}
                  isPhone={isPhone}
                  {...props}
                />
              )
            );
          })}
        </div>
      </div>
      {selection !== undefined && selection.size > 0 ? (
        <div className={classes.bulk} role="toolbar" aria-label="With the selected">
          <strong className="numbers">{selection.size} selected</strong>
          {bulk}
          <Button variant="subtle" size="compact-sm" onClick={() => onSelect?.(new Set())}>
            Clear
          </Button>
        </div>
      ) : (
        <Group className={classes.foot} justify="space-between">
          <span className="numbers">
            {list.total === undefined
              ? `${rows.length} loaded`
              : `${list.total.toLocaleString('en')} in all`}
          </span>
          {list.isLoadingMore && <span>Loading more…</span>}
          {error && (
            <span>
              {explain(asFailure(error))}{' '}
              <Button
                variant="subtle"
                size="compact-xs"
                onClick={hasMore ? loadMore : list.restart}
              >
                Try again
              </Button>
            </span>
          )}
        </Group>
      )}
    </div>
  );
}

function Header<R>({
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
        <button type="button" onClick={() => onSort(isSorted && isAscending ? `-${field}` : field)}>
          {header}
          {isSorted && <Arrow size={12} aria-hidden />}
        </button>
      ) : (
        header
      )}
    </span>
  );
}

function RecordRow<R extends Row>({
  row,
  index,
  style,
  isPhone,
  list,
  columns,
  open,
  openId,
  selection,
  onSelect,
}: Props<R> & { row: R; index: number; style: CSSProperties; isPhone: boolean }) {
  const change = list.changed.get(row.id);
  const isSelected = selection?.has(row.id) ?? false;
  const toggle = () => {
    const next = new Set(selection);
    if (!next.delete(row.id)) next.add(row.id);
    onSelect?.(next);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the link in the first cell is for the keyboard
    <div
      role="row"
      aria-rowindex={index + 1}
      className={isPhone ? classes.card : classes.row}
      style={style}
      data-changed={change !== undefined || undefined}
      data-open={row.id === openId || undefined}
      data-selected={isSelected || undefined}
      title={change && `Changed by ${change.actor.name}`}
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest('a, button, input, label')) open(row);
      }}
    >
      {onSelect && !isPhone && (
        <span role="cell" className={classes.check}>
          <Checkbox size="xs" aria-label="Select" checked={isSelected} onChange={toggle} />
        </span>
      )}
      {(isPhone ? columns.filter(({ isWide }) => !isWide) : columns).map((column) => (
        <span
          role="cell"
          key={column.key}
          className={classes.cell}
          data-number={column.isNumber || undefined}
        >
          {column.cell(row)}
        </span>
      ))}
    </div>
  );
}

/** Up and down, or k and j, go from row to row. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>): void {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  const row = (event.target as HTMLElement).closest('[role=row]');
  if (
    !step ||
    !row ||
    (event.target as HTMLElement).matches('input:not([type=checkbox]), textarea')
  )
    return;
  const index = Number(row.getAttribute('aria-rowindex')) + step;
  const next = event.currentTarget.querySelector<HTMLElement>(`[aria-rowindex="${index}"] a`);
  if (!next) return;
  event.preventDefault();
  next.focus();
}
