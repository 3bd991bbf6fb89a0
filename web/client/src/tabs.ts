// What clients of one name do together, in other tabs or in this process: one at a time under a lock (Web Locks; in a process
// without them, a chain of promises), and told over a BroadcastChannel. Both are of one origin: no other site hears or holds them.
//
// Neither is trusted to be there. A lock that is not had in time, because its holder hangs or a browser has none, is done
// without: a refresh that two tabs make within ten seconds gets both the same tokens, and a mutation that two tabs send is done
// once, by its idempotency key. A message that is lost costs a question to the gateway.
import { sleep } from './backoff.ts';

export type Message =
  | { type: 'ask' }
  /** `isLeft`: its user ended it. */
  | { type: 'session'; session: string | null; isLeft?: boolean }
  | { type: 'queued' }
  | { type: 'settled'; id: string; result: unknown };

/** The ends of what holds each lock, in this process. */
const held = new Map<string, Promise<unknown>>();

export class Tabs {
  readonly #name: string;
  readonly #channel: BroadcastChannel | undefined;
  readonly #listeners = new Set<(message: Message) => void>();

  constructor(name: string) {
    this.#name = name;
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => {
      for (const listener of this.#listeners) listener(data as Message);
    };
    // A channel that listens would keep a process of Node.js alive.
    (this.#channel as { unref?: () => void }).unref?.();
  }

  listen(listener: (message: Message) => void): void {
    this.#listeners.add(listener);
  }

  tell(message: Message): void {
    try {
      this.#channel?.postMessage(message);
    } catch {
      // It was closed, or the message cannot be cloned: the others find out for themselves.
    }
  }

  /** Runs the task while no other does under the same lock, or without it when that takes too long. */
  async lock<T>(what: string, patienceMs: number, task: () => Promise<T>): Promise<T> {
    const name = `${this.#name}:${what}`;
    const locks = globalThis.navigator?.locks;
    if (!locks) return lockInProcess(name, patienceMs, task);
    let isHeld = false;
    try {
      return (await locks.request(name, { signal: AbortSignal.timeout(patienceMs) }, () => {
        isHeld = true;
        return task();
      })) as T;
    } catch (cause) {
      if (isHeld) throw cause;
      return task();
    }
  }

  close(): void {
    this.#channel?.close();
    this.#listeners.clear();
  }
}

async function lockInProcess<T>(name: string, patienceMs: number, task: () => Promise<T>) {
  const before = held.get(name);
  const waiting = new AbortController();
  const turn = before && Promise.race([before, sleep(patienceMs, waiting.signal)]);
  const running = (async () => {
    await turn;
    waiting.abort();
    return task();
  })();
  const end = running.then(
    () => {},
    () => {},
  );
  held.set(name, end);
  try {
    return await running;
  } finally {
    if (held.get(name) === end) held.delete(name);
  }
}
