// A stream as an async iterable. A reader that is slow does not fill the memory: what it has not taken is bounded, by pausing
// the stream and resuming behind the last event that was kept for it.
import type { MillraceError } from './errors.ts';
import type { Result, Sink } from './types.ts';

export interface Controls {
  stop(): void;
  pause(): void;
  resume(): void;
}

const mostKept = 1_000;
const fewKept = 100;

export function iterate<Data>(
  start: (sink: Sink<Data>) => Controls,
): AsyncIterableIterator<Result<Data>> {
  const kept: Result<Data>[] = [];
  let isOver = false;
  let failure: MillraceError | undefined;
  let wake = () => {};
  const end = (error?: MillraceError) => {
    isOver = true;
    failure = error;
    wake();
  };
  const stream = start({
    next: (result) => {
      kept.push(result);
      if (kept.length >= mostKept) stream.pause();
      wake();
    },
    error: end,
    complete: () => end(),
  });
  const generator = (async function* () {
    try {
      for (;;) {
        for (let result = kept.shift(); result; result = kept.shift()) {
          if (kept.length === fewKept) stream.resume();
          yield result;
        }
        if (failure) throw failure;
        if (isOver) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      stream.stop();
    }
  })();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => generator.next(),
    // A generator that waits hears of its end only when it is woken.
    return: async () => {
      stream.stop();
      end();
      kept.length = 0;
      await generator.return(undefined);
      return { done: true, value: undefined };
    },
  };
}
