// Several reasons to give up as one signal. `AbortSignal.any` would be that, but browsers have had it only since 2024.
import { quietTimer } from './backoff.ts';

/** Runs the task with a signal that is given with any of these, or after the time. Nothing of it stays with them. */
export async function withAny<T>(
  signals: readonly (AbortSignal | undefined)[],
  task: (signal: AbortSignal) => Promise<T>,
  timeoutMs?: number,
): Promise<T> {
  const aborting = new AbortController();
  const over = () => aborting.abort(new DOMException('It took too long', 'TimeoutError'));
  const timer = timeoutMs === undefined ? undefined : quietTimer(over, timeoutMs);
  const given = signals.filter((signal) => signal !== undefined);
  const abort = () => aborting.abort(given.find(({ aborted }) => aborted)?.reason);
  for (const signal of given) signal.addEventListener('abort', abort);
  try {
    if (given.some(({ aborted }) => aborted)) abort();
    return await task(aborting.signal);
  } finally {
    clearTimeout(timer);
    for (const signal of given) signal.removeEventListener('abort', abort);
  }
}
