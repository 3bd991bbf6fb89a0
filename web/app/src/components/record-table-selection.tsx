// Selecting rows of a RecordTable: one, from one to another with Shift, all that are loaded, and all that the list has.
import { Button } from '@mantine/core';
import { useRef, useState } from 'react';
import type { Row } from '../lib/list';
import type { LiveListState } from '../lib/live-list';
import { sayFailed } from '../lib/toasts';
import classes from './record-table.module.css';

/** So many are selected at most; what is done with them goes to the gateway by the thousand. */
const most = 10_000;

/** A plain checkbox: hundreds are made while somebody scrolls. */
export function Tick({
  label,
  isChecked,
  isSome = false,
  toggle,
}: {
  label: string;
  isChecked: boolean;
  isSome?: boolean;
  toggle: (isRange: boolean) => void;
}) {
  return (
    <input
      type="checkbox"
      className={classes.tick}
      aria-label={label}
      checked={isChecked}
      ref={(input) => {
        if (input) input.indeterminate = isSome;
      }}
      onChange={({ nativeEvent }) => toggle((nativeEvent as MouseEvent).shiftKey === true)}
    />
  );
}

/** Selects a row or clears it; with `isRange` all from the last one to it. The function stays the same. */
export function useToggle(
  rows: readonly Row[],
  selection: ReadonlySet<string> | undefined,
  onSelect: ((selection: ReadonlySet<string>) => void) | undefined,
) {
  const latest = useRef({ rows, selection, onSelect });
  latest.current = { rows, selection, onSelect };
  const from = useRef<string>(undefined);
  return useRef((index: number, isRange: boolean) => {
    const { rows, selection, onSelect } = latest.current;
    const id = rows[index]?.id;
    if (id === undefined) return;
    const next = new Set(selection);
    const start = isRange ? rows.findIndex((row) => row.id === from.current) : -1;
    if (start >= 0)
      for (const row of rows.slice(Math.min(start, index), Math.max(start, index) + 1))
        next.add(row.id);
    else if (!next.delete(id)) next.add(id);
    from.current = id;
    onSelect?.(next);
  }).current;
}

/** Offers to select the rest of a list, once all that is loaded is selected: reads it, and selects it. */
export function SelectAll<R extends Row>({
  list,
  isAll,
  onSelect,
}: {
  list: LiveListState<R>;
  /** Whether all that is loaded is selected. */
  isAll: boolean;
  onSelect: (selection: ReadonlySet<string>) => void;
}) {
  const [isReading, setReading] = useState(false);
  if (isReading) return <span role="status">Reading {list.rows.length.toLocaleString('en')}…</span>;
  const { total, loadAll } = list;
  if (!isAll || !list.hasMore || !loadAll) return null;
  const count = total === undefined ? '' : Math.min(total, most).toLocaleString('en');
  return (
    <Button
      variant="subtle"
      size="compact-sm"
      onClick={async () => {
        setReading(true);
        try {
          const rows = await loadAll(most);
          onSelect(new Set(rows.map(({ id }) => id)));
        } catch (cause) {
          sayFailed(cause);
        } finally {
          setReading(false);
        }
      }}
    >
      Select {total !== undefined && total > most ? 'the first' : 'all'} {count}
    </Button>
  );
}
