// What is done with many selected records: its progress, a way to stop it, what was refused and why, and a way to undo it. It belongs
// to the page: rows leave the list while they are done, and the way to stop must not leave with the last of them.
import { Button, Modal, Table, Text } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { type Answer, type BulkResult, type Done, inChunks } from '../../lib/bulk';
import { say, sayFailed, sayUndoable } from '../../lib/toasts';
import classes from './bulk.module.css';

interface Named {
  id: string;
  name: string;
}

export interface BulkTask<R> {
  rows: readonly R[];
  /** "Deleting", while it is done. */
  doing: string;
  /** What was done with so many, as a sentence without its end. */
  done: (count: number) => string;
  send: (chunk: R[]) => Promise<readonly Answer[]>;
  undo?: (chunk: Done<R>[]) => Promise<readonly Answer[]>;
  /** How many are sent at once. */
  size?: number;
}

export interface Bulk<R> {
  run: (task: BulkTask<R>) => Promise<BulkResult<R>>;
  /** The progress with its button, and what was refused. */
  shown: ReactNode;
  /** Nothing else should be begun. */
  isRunning: boolean;
}

export function useBulk<R extends Named>(): Bulk<R> {
  const [progress, setProgress] = useState<{ doing: string; count: number; total: number }>();
  const [refused, setRefused] = useState<BulkResult<R>['refused']>([]);
  const running = useRef<AbortController>(undefined);
  // Whoever leaves can neither see nor stop it, and somebody else may be the next to sign in.
  useEffect(() => () => running.current?.abort(), []);

  async function work<T>(
    rows: readonly T[],
    doing: string,
    act: (chunk: T[]) => Promise<readonly Answer[]>,
    size?: number,
  ): Promise<BulkResult<T>> {
    const sized = size === undefined ? {} : { size };
    // An undo beside something else has no place to be shown.
    if (running.current) return inChunks(rows, act, sized);
    const controller = new AbortController();
    running.current = controller;
    const onProgress = (count: number) => setProgress({ doing, count, total: rows.length });
    onProgress(0);
    try {
      return await inChunks(rows, act, { ...sized, onProgress, signal: controller.signal });
    } finally {
      running.current = undefined;
      setProgress(undefined);
    }
  }

  async function undo(done: readonly Done<R>[], act: NonNullable<BulkTask<R>['undo']>) {
    const result = await work(done, 'Undoing', act);
    if (result.failure) throw result.failure;
    // The selection may be gone by now, so what is refused is told here.
    const [first, ...more] = result.refused;
    const back = `${result.done.length.toLocaleString('en')} as before`;
    say(first ? `${back}, ${more.length + 1} not: ${first.row.row.name} ${first.message}` : back);
  }

  async function run(task: BulkTask<R>): Promise<BulkResult<R>> {
    const result = await work(task.rows, task.doing, task.send, task.size);
    setRefused(result.refused);
    if (result.failure) sayFailed(result.failure);
    const count = result.done.length;
    const left = task.rows.length - count - result.refused.length;
    const told = `${task.done(count)}${left > 0 ? `, ${left.toLocaleString('en')} were not tried` : ''}`;
    const { undo: act } = task;
    if (count > 0 && act) sayUndoable(told, () => undo(result.done, act));
    else if (count > 0) say(told);
    return result;
  }

  const shown: ReactNode = (
    <>
      {progress && (
        <div className={classes.progress}>
          <span role="status" className="numbers">
            {progress.doing} {progress.count.toLocaleString('en')} of{' '}
            {progress.total.toLocaleString('en')}…
          </span>
          <Button size="compact-sm" variant="default" onClick={() => running.current?.abort()}>
            Stop
          </Button>
        </div>
      )}
      <Modal
        opened={refused.length > 0}
        onClose={() => setRefused([])}
        title={`${refused.length.toLocaleString('en')} stayed as they were`}
      >
        <Table>
          <Table.Tbody>
            {refused.slice(0, 100).map(({ row, message }) => (
              <Table.Tr key={row.id}>
                <Table.Td>{row.name}</Table.Td>
                <Table.Td>{message}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        {refused.length > 100 && <Text size="sm">These are the first 100.</Text>}
      </Modal>
    </>
  );
  return { run, shown, isRunning: progress !== undefined };
}
