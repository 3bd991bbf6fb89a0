// Delays that grow, half fixed and half random, so that the clients of a gateway that was restarted do not return at once.

/** Timers hold no longer delays: a longer one would be none. */
const longestTimerMs = 2 ** 31 - 1;

export interface Bounds {
  firstMs: number;
  longestMs: number;
}

export function delayMs(failures: number, { firstMs, longestMs }: Bounds): number {
  const ceilingMs = Math.min(longestMs, firstMs * 2 ** Math.min(failures, 20));
  return ceilingMs * (0.5 + Math.random() / 2);
}

/** Resolves after the time, or at once when the signal is given. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, longestTimerMs));
    signal?.addEventListener('abort', done);
  });
}

/** A timer that keeps no process of Node.js alive. */
export function quietTimer(task: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(task, Math.min(ms, longestTimerMs));
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/**
 * One back-off for all that shares a connection. Each of them reports the loss of what it was on, and the first report of
 * a loss counts: a socket with a hundred subscriptions that is cut is one failure.
 */
export class SharedBackoff {
  #failures = 0;
  #generation = 0;
  #notBefore = 0;
  #waking = new AbortController();
  #gate: Promise<void> = Promise.resolve();
  readonly #bounds: Bounds;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Waits until the next attempt is due; returns what to report its failure with. */
  async ready(): Promise<number> {
    let gate: Promise<void>;
    do {
      gate = this.#gate;
      await gate;
    } while (gate !== this.#gate);
    return this.#generation;
  }

  /** True for the first report of this failure. */
  failed(generation: number, atLeastMs = 0): boolean {
    if (generation !== this.#generation) return false;
    this.#generation += 1;
    const waitMs = Math.max(delayMs(this.#failures, this.#bounds), atLeastMs * (1 + Math.random()));
    this.#failures += 1;
    this.#notBefore = atLeastMs > 0 ? Date.now() + waitMs : 0;
    this.#waking = new AbortController();
    this.#gate = sleep(waitMs, this.#waking.signal);
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Makes the next attempt due now, as the network came back, unless the gateway asked for the delay. */
  hurry(): void {
    if (Date.now() >= this.#notBefore) this.#waking.abort();
  }

  /** Makes the next attempt due now, whatever was before. */
  restart(): void {
    this.#failures = 0;
    this.#waking.abort();
  }
}
