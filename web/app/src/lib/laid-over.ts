// What a stream of its own tells of rows: who is here, how much is unread. That is no change of the object, so its version says nothing
// of it, and a list that takes the newest version keeps what it was when the row was read.
import { useMemo, useRef } from 'react';

/** The rows with these values, by their ids. A row that they do not change stays the same object. */
export function useLaidOver<R extends { id: string }, V extends Partial<R>>(
  rows: readonly R[],
  values: ReadonlyMap<string, V>,
): readonly R[] {
  const made = useRef(new WeakMap<R, { value: V; row: R }>());
  return useMemo(
    () =>
      rows.map((row) => {
        const value = values.get(row.id);
        if (!value || isPartOf(row, value)) return row;
        const before = made.current.get(row);
        if (before?.value === value) return before.row;
        const laid = { ...row, ...value };
        made.current.set(row, { value, row: laid });
        return laid;
      }),
    [rows, values],
  );
}

function isPartOf<R extends object>(row: R, value: Partial<R>): boolean {
  return (Object.keys(value) as (keyof R)[]).every((key) => row[key] === value[key]);
}
