// biome-ignore-all lint/a11y/useSemanticElements: rows are placed by transforms, which the elements of tables do not allow
// biome-ignore-all lint/a11y/useFocusableInteractive: what is focused in a row is its link
// A list of records: virtual rows that are sorted by their headers, opened, and selected for a bar of actions; cards on phones.
// What somebody else has just changed is tinted, with who did it on hover. New rows above the fold wait behind a button.
import { Button, Group } from '@mantine/core';
import { useElementSize, useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  useEffect,
  useMemo,
  useRef,
} from 'react';
import type { Row } from '../lib/list';
import type { LiveListState } from '../lib/live-list';
import { toTop } from '../lib/scroll';
import type { Sort } from '../lib/search';
import { Failed, FailedLine } from './failed';
import { Lines } from './page';
import { type Column, RecordRow } from './record-row';
import classes from './record-table.module.css';
import { Header, SortMenu } from './record-table-head';
import { SelectAll, Tick, useToggle } from './record-table-selection';

export type { Column } from './record-row';

/** Below this many pixels columns that are wide are left out. */
const narrowest = 900;

interface Props<R extends Row> {
  label: string;
  list: LiveListState<R>;
  /** The first column leads to the record, and is the title of a card. Should be the same each time. */
  columns: readonly Column<R>[];
  open(row: R): void;
  openId?: string | undefined;
  sort?: Sort | undefined;
  onSort?: (sort: string) => void;
  selection?: ReadonlySet<string>;
  onSelect?: (selection: ReadonlySet<string>) => void;
  /** What can be done with those that are selected; false while nothing can. */
  bulk?: ReactNode;
  /** Told which rows are in view, by their places. */
  onShown?: (first: number, last: number) => void;
  empty: ReactNode;
}

export function RecordTable<R extends Row>(props: Props<R>) {
  const { label, list, columns, selection, onSelect, bulk, empty, onShown } = props;
  const isPhone = useMediaQuery('(max-width: 767px)') ?? false;
  const { ref: table, width } = useElementSize();
  const isNarrow = isPhone || (width > 0 && width < narrowest);
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(
    () =>
      columns.filter(({ isWide, isOffCard }) => !(isWide && isNarrow) && !(isOffCard && isPhone)),
    [isNarrow, isPhone, columns],
  );
  const { rows, hasMore, isLoadingMore, isFollowed = true, error, loadMore, scrolled } = list;
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isPhone ? 72 : 36),
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows have another height there
  useEffect(() => virtual.measure(), [isPhone]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each list has a function of its own, and begins at its top
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
  }, [loadMore]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    // Again after each page: one may add nothing, and yet not be the last.
    if (isFollowed && hasMore && !isLoadingMore && !error && last >= rows.length - 30) loadMore();
  }, [isFollowed, hasMore, isLoadingMore, error, last, rows.length, loadMore]);
  const { startIndex = 0, endIndex = 0 } = virtual.range ?? {};
  useEffect(() => onShown?.(startIndex, endIndex), [onShown, startIndex, endIndex]);
  const toggle = useToggle(rows, selection, onSelect);
  const latest = useRef(props.open);
  latest.current = props.open;
  const open = useRef((row: R) => latest.current(row)).current;

  if (list.isLoading && !list.error) return <Lines count={10} />;
  if (list.error && rows.length === 0) return <Failed error={list.error} retry={list.restart} />;
  if (rows.length === 0 && !hasMore) return empty;
  const template = [
    ...(onSelect && !isPhone ? ['36px'] : []),
    ...shown.map(({ width }) => width ?? 'minmax(0, 1fr)'),
  ].join(' ');
  const isAll =
    selection !== undefined && selection.size > 0 && rows.every(({ id }) => selection.has(id));
  return (
    <div ref={table} className={classes.frame}>
      {isPhone && props.onSort && (
        <SortMenu columns={columns} sort={props.sort} onSort={props.onSort} />
      )}
      {list.arrived > 0 && (
        <Button
          className={classes.arrived}
          size="compact-sm"
          radius="xl"
          onClick={() => {
            list.showArrived();
            toTop(scroller.current);
          }}
        >
          {list.arrived} new
        </Button>
      )}
      <div
        className={classes.table}
        role="table"
        aria-label={label}
        aria-rowcount={list.total ?? -1}
        aria-busy={list.isStale || undefined}
        style={{ '--columns': template } as CSSProperties}
      >
        {!isPhone && (
          <div role="rowgroup" className={classes.head}>
            <div role="row" className={classes.line}>
              {onSelect && (
                <span role="columnheader" className={classes.check}>
                  <Tick
                    label="Select all that are loaded"
                    isChecked={isAll}
                    isSome={!isAll && (selection?.size ?? 0) > 0}
                    toggle={() => onSelect(isAll ? new Set() : new Set(rows.map(({ id }) => id)))}
                  />
                </span>
              )}
              {shown.map((column) => (
                <Header key={column.key} column={column} sort={props.sort} onSort={props.onSort} />
              ))}
            </div>
          </div>
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
                    start={start}
                    size={size}
                    isPhone={isPhone}
                    columns={shown as readonly Column<Row>[]}
                    change={list.changed.get(row.id)}
                    isOpen={row.id === props.openId}
                    isSelected={selection?.has(row.id) ?? false}
                    toggle={onSelect && !isPhone ? toggle : undefined}
                    open={open as (row: Row) => void}
                  />
                )
              );
            })}
          </div>
        </div>
      </div>
      {bulk && selection !== undefined && selection.size > 0 ? (
        <div className={classes.bulk} role="toolbar" aria-label="With the selected">
          <strong className="numbers">{selection.size.toLocaleString('en')} selected</strong>
          {onSelect && <SelectAll list={list} isAll={isAll} onSelect={onSelect} />}
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
          {isLoadingMore && <span>Loading more…</span>}
          {error && <FailedLine error={error} retry={hasMore ? loadMore : list.restart} />}
        </Group>
      )}
    </div>
  );
}

/** Up and down, or k and j, go from row to row; x selects. */
function moveFocus(event: KeyboardEvent<HTMLDivElement>): void {
  const from = event.target as HTMLElement;
  const row = from.closest('[role=row]');
  const isTyping = from.matches('input:not([type=checkbox]), textarea');
  if (!row || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'x') {
    row.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
    return;
  }
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!step) return;
  const index = Number(row.getAttribute('aria-rowindex')) + step;
  const next = event.currentTarget.querySelector<HTMLElement>(`[aria-rowindex="${index}"] a`);
  if (!next) return;
  event.preventDefault();
  next.focus();
}
