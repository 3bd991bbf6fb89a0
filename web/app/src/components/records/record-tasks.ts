// What can be done with many records, and how each is undone. An undo expects the version that the change has made, so a record that
// somebody has changed since stays as they left it. A status is set on what was seen only: then it is known whose change is undone.
import type { Answer, Done } from '../../lib/bulk';
import type { BulkTask } from './bulk';

export interface Versioned {
  id: string;
  version: number;
  name: string;
  status: string;
}

/** A record, at a version if it has to be at that one. */
export interface Target {
  id: string;
  expectedVersion?: number;
}
export type Send<Input> = (rows: Input[]) => Promise<readonly Answer[]>;

export interface Actions<R extends Versioned> {
  setStatus: Send<Target & { status: R['status'] }>;
  remove: Send<Target>;
  restore: Send<Target>;
}

/** "3 customers" */
const counted = (count: number, noun: string) =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
const targets = (rows: readonly { id: string }[]) => rows.map(({ id }) => ({ id }));
const made = <R extends Versioned>({ row: { id }, version }: Done<R>): Target => ({
  id,
  ...(version !== undefined && { expectedVersion: version }),
});

export function removing<R extends Versioned>(
  noun: string,
  rows: readonly R[],
  { remove, restore }: Actions<R>,
): BulkTask<R> {
  return {
    rows,
    doing: 'Deleting',
    done: (count) => `${counted(count, noun)} ${count === 1 ? 'was' : 'were'} deleted`,
    send: (chunk) => remove(targets(chunk)),
    undo: (chunk) => restore(chunk.map(made)),
  };
}

export function restoring<R extends Versioned>(
  noun: string,
  rows: readonly R[],
  { remove, restore }: Actions<R>,
): BulkTask<R> {
  return {
    rows,
    doing: 'Restoring',
    done: (count) => `${counted(count, noun)} ${count === 1 ? 'is' : 'are'} back`,
    send: (chunk) => restore(targets(chunk)),
    undo: (chunk) => remove(chunk.map(made)),
  };
}

export function changing<R extends Versioned>(
  noun: string,
  rows: readonly R[],
  { value, label }: { value: R['status']; label: string },
  { setStatus }: Actions<R>,
): BulkTask<R> {
  return {
    rows: rows.filter(({ status }) => status !== value),
    doing: 'Changing',
    done: (count) => `${counted(count, noun)}: ${label}`,
    send: (chunk) =>
      setStatus(chunk.map(({ id, version }) => ({ id, status: value, expectedVersion: version }))),
    // Each gets back what it had.
    undo: (chunk) =>
      setStatus(chunk.map((done) => ({ ...made(done), status: done.row.status as R['status'] }))),
  };
}

/** The answers of a payload whose rows name the record so. */
export function answers<Name extends string>(
  payload:
    | {
        rows: readonly (Omit<Answer, 'version'> & {
          [name in Name]?: { version: number } | null | undefined;
        })[];
      }
    | null
    | undefined,
  name: Name,
): Answer[] {
  return (payload?.rows ?? []).map((row) => ({
    index: row.index,
    ...(row.error && { error: row.error }),
    version: row[name]?.version,
  }));
}
