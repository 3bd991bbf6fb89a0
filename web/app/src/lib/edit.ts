// A form over an object that others may change: it follows them where one has not typed, and shows a conflict where both did.
// It sends the version it knows, so nothing is overwritten unseen.
import { useEffect, useRef, useState } from 'react';
import type { Difference } from '../components/conflict';
import { type ServerForm, useServerForm } from './form';
import { merge } from './merge';

export interface EditForm<Values> extends ServerForm<Values> {
  /** To be sent as `expectedVersion`. */
  version: number;
  /** What `Conflict` shows; undefined without one. */
  conflict: { differences: Difference[]; keepMine: () => void; takeTheirs: () => void } | undefined;
}

type Texts = Record<string, string>;

export function useEditForm<Values extends Texts>(
  current: { version: number; values: Values },
  labels: Record<keyof Values, string>,
  options: { draft?: string; guard?: boolean } = {},
): EditForm<Values> {
  const form = useServerForm<Values>({ initialValues: current.values, ...options });
  const base = useRef(current);
  const [conflicts, setConflicts] = useState<(keyof Values)[]>([]);
  const { version, values: theirs } = current;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version is what it is about
  useEffect(() => {
    if (version <= base.current.version) return;
    const { values, conflicts: found } = merge(base.current.values, form.getValues(), theirs);
    form.setInitialValues(theirs);
    form.resetDirty(theirs);
    form.setValues(values);
    base.current = current;
    setConflicts(found);
  }, [version]);
  const mine = form.getValues();
  const left = conflicts.filter((field) => mine[field] !== theirs[field]);
  const conflict = left.length > 0 && {
    differences: left.map((field) => ({
      field: labels[field],
      mine: mine[field] ?? '',
      theirs: theirs[field] ?? '',
    })),
    keepMine: () => setConflicts([]),
    takeTheirs: () => {
      form.setValues(
        Object.fromEntries(left.map((field) => [field, theirs[field]])) as Partial<Values>,
      );
      setConflicts([]);
    },
  };
  return { ...form, version: base.current.version, conflict: conflict || undefined };
}
