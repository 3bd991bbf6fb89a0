// What is done with many selected records: its progress, a way to stop it, what was refused and why, and a way to undo it.
import { Button, Modal, Table, Text } from '@mantine/core';
import { type ReactNode, useRef, useState } from 'react';
import { type Answer, type BulkResult, inChunks } from '../../lib/bulk';
import { say, sayFailed, sayUndoable } from '../../lib/toasts';

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
  undo?: (chunk: R[]) => Promise<readonly Answer[]>;
}

/** `run` does it, and `shown` belongs on the bar of actions; while something is done it is in place of the actions. */
export function useBulk<R extends Named>() {
  const [progress, setProgress] = useState<{ doing: string; count: number; total: number }>();
  const [refused, setRefused] = useState<BulkResult<R>['refused']>([]);
  const stop = useRef<AbortController>(undefined);

  async function send({ rows, doing, send: act }: BulkTask<R>): Promise<BulkResult<R>> {
    const controller = new AbortController();
    stop.current = controller;
    const onProgress = (count: number) => setProgress({ doing, count, total: rows.length });
    onProgress(0);
    try {
      const result = await inChunks(rows, act, { onProgress, signal: controller.signal });
      setRefused(result.refused);
      if (result.failure) sayFailed(result.failure);
      return result;
    } finally {
      setProgress(undefined);
    }
  }

  async function run(task: BulkTask<R>): Promise<BulkResult<R>> {
    const result = await send(task);
    const { undo } = task;
    const count = result.done.length;
    if (count > 0 && undo)
      sayUndoable(task.done(count), () =>
        // The selection may be gone by now, so what is refused is told here.
        inChunks(result.done, undo).then(({ done, refused: [first, ...more], failure }) => {
          if (failure) throw failure;
          const back = `${done.length.toLocaleString('en')} as before`;
          const kept = `${more.length + 1} not: ${first?.row.name} ${first?.message}`;
          say(first ? `${back}, ${kept}` : back);
        }),
      );
    else if (count > 0) say(task.done(count));
    return result;
  }

  const shown: ReactNode = (
    <>
      {progress && (
        <>
          <span role="status" className="numbers">
            {progress.doing} {progress.count.toLocaleString('en')} of{' '}
            {progress.total.toLocaleString('en')}…
          </span>
          <Button size="compact-sm" variant="default" onClick={() => stop.current?.abort()}>
            Stop
          </Button>
        </>
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
