// The rows of a file on their way to the gateway. They go in their order, some hundreds at a time, each for itself; an import that was
// stopped or lost the line goes on where it was. One that is repeated as a whole finds its earlier work done.

import type { MillraceError } from '@millrace/client';
import { useRef, useState } from 'react';
import type { ExistingStudents, ImportOutcome } from '../../../generated/graphql';
import { inChunks } from '../../../lib/bulk';
import { explain } from '../../../lib/errors';
import { useAct } from '../../../lib/live';
import { columns, ImportStudents } from '../documents';
import { inputOf, type Line } from './mapping';

const size = 250;

export interface Refused {
  line: Line;
  reason: string;
}

export interface Progress {
  total: number;
  /** So many rows have been decided. */
  decided: number;
  counts: Record<ImportOutcome, number>;
  refused: Refused[];
  isRunning: boolean;
  /** Why it stands still. */
  problem?: string | undefined;
}

const none = { CREATED: 0, UPDATED: 0, UNCHANGED: 0, REFUSED: 0 };

export function useImport() {
  const act = useAct(ImportStudents);
  const [progress, setProgress] = useState<Progress>();
  const stopper = useRef<AbortController>(undefined);
  const task = useRef<{ lines: readonly Line[]; existing: ExistingStudents }>(undefined);

  async function run(from: Progress): Promise<void> {
    if (!task.current) return;
    const { lines, existing } = task.current;
    const controller = new AbortController();
    stopper.current = controller;
    let now: Progress = { ...from, isRunning: true, problem: undefined };
    setProgress(now);
    const send = async (chunk: Line[]) => {
      const { importStudents } = await act({
        input: { rows: chunk.map(inputOf), mode: 'EACH', existing },
      });
      const rows = importStudents?.rows ?? [];
      const counts = { ...now.counts };
      for (const { outcome } of rows) counts[outcome] += 1;
      now = {
        ...now,
        counts,
        decided: now.decided + chunk.length,
        refused: [
          ...now.refused,
          ...rows.flatMap(({ index, violations }) =>
            violations.length > 0
              ? [
                  {
                    line: chunk[index] as Line,
                    reason: reasonOf(violations.map(({ field, message }) => [field, message])),
                  },
                ]
              : [],
          ),
        ],
      };
      setProgress(now);
      return rows.map(({ index }) => ({ index }));
    };
    const rest = lines.slice(from.decided - from.total + lines.length);
    const { failure } = await inChunks(rest, send, { size, signal: controller.signal });
    setProgress({
      ...now,
      // Some were refused here before any was sent.
      refused: now.refused.toSorted((a, b) => a.line.number - b.line.number),
      isRunning: false,
      problem: failure && explain(failure as MillraceError),
    });
  }

  const stop = () => stopper.current?.abort();
  return {
    progress,
    /** Rows with problems are refused here, and not sent. */
    start(lines: readonly Line[], existing: ExistingStudents) {
      const isFine = ({ problems }: Line) => Object.keys(problems).length === 0;
      const refused = lines
        .filter((line) => !isFine(line))
        .map((line) => ({ line, reason: reasonOf(Object.entries(line.problems)) }));
      task.current = { lines: lines.filter(isFine), existing };
      return run({
        total: lines.length,
        decided: refused.length,
        counts: { ...none, REFUSED: refused.length },
        refused,
        isRunning: true,
      });
    },
    goOn: () => (progress ? run(progress) : undefined),
    stop,
    reset: () => setProgress(undefined),
  };
}

/** "Email address: must be an email address; Year: enter a number" */
export function reasonOf(problems: readonly (readonly [field: string, message: string])[]): string {
  return problems
    .map(([key, message]) => {
      const field = columns.find((each) => each.key === key);
      return `${field?.label ?? key}: ${message}`;
    })
    .join('; ');
}
