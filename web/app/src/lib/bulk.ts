// Something done with many records: by the chunk, so that it shows progress and can be stopped, and each record for itself, so that
// one that is refused keeps nobody else. What was not answered is neither done nor refused.
import { asFailure } from './errors';

export interface Answer {
  index: number;
  error?: { message: string; violations: readonly { message: string }[] } | null;
  /** What the record is at then. */
  version?: number | undefined;
}

/** A row that was done, and the version that this made: what undoes it expects that one, so that no later change is lost. */
export interface Done<R> {
  row: R;
  version: number | undefined;
}

export interface BulkResult<R> {
  done: Done<R>[];
  refused: { row: R; message: string }[];
  /** What ended it early. */
  failure?: Error;
}

export async function inChunks<R>(
  rows: readonly R[],
  send: (chunk: R[]) => Promise<readonly Answer[]>,
  {
    size = 500,
    onProgress,
    signal,
  }: { size?: number; onProgress?: (count: number) => void; signal?: AbortSignal } = {},
): Promise<BulkResult<R>> {
  const result: BulkResult<R> = { done: [], refused: [] };
  for (let start = 0; start < rows.length && !signal?.aborted; start += size) {
    const chunk = rows.slice(start, start + size);
    try {
      for (const { index, error, version } of await send(chunk)) {
        const row = chunk[index] as R;
        if (error) result.refused.push({ row, message: reason(error) });
        else result.done.push({ row, version });
      }
    } catch (cause) {
      return { ...result, failure: asFailure(cause as Error) };
    }
    onProgress?.(Math.min(start + size, rows.length));
  }
  return result;
}

function reason({ message, violations }: NonNullable<Answer['error']>): string {
  return violations.length > 0 ? violations.map((each) => each.message).join(', ') : message;
}
