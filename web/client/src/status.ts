// What an application shows of its connection. The parts of the client report what happens; this file makes one word of it.
import { callAll } from './calls.ts';

export interface ConnectionState {
  /**
   * `idle`: nothing is open. `connecting`: for the first time. `live`: events come as they happen. `resuming`: the line
   * was lost, and is made again or catches up. `offline`: the gateway cannot be reached.
   */
  status: 'idle' | 'connecting' | 'live' | 'resuming' | 'offline';
  /** How many events came since the line was lost last, until it was live again. */
  caughtUp: number;
  /** How many mutations wait to be sent. */
  waiting: number;
  transport: 'websocket' | 'event-stream' | undefined;
}

/**
 * The line is live again when no event came for this long, or for twice as long as it took to open, where the way is long:
 * there is no sign on the wire between old events and new ones.
 */
const quietMs = 250;
const longestQuietMs = 5_000;
/** Counting tells listeners once for so many events. */
const countStep = 100;

export class Status {
  #state: ConnectionState = { status: 'idle', caughtUp: 0, waiting: 0, transport: undefined };
  #streams = 0;
  /** Those that know where they begin: from then on nothing is lost. */
  #started = 0;
  #isOpen = false;
  #wasOpen = false;
  #isBehind = false;
  #isUnreachable = false;
  #quietMs = quietMs;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  readonly get = (): ConnectionState => this.#state;

  /** Calls the listener after each change; returns what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** A stream is asked for. */
  began(): void {
    this.#streams += 1;
    this.#change({});
  }

  /** It knows where it begins: now, or behind a cursor from an earlier time. */
  started(isBehind: boolean): void {
    this.#started += 1;
    if (isBehind && !this.#isBehind) this.#catchUp();
    if (isBehind && this.#isOpen) this.#awaitQuiet();
    this.#change({});
  }

  ended(isStarted: boolean): void {
    this.#streams -= 1;
    if (isStarted) this.#started -= 1;
    if (this.#streams === 0) {
      this.#isBehind = false;
      this.#wasOpen = false;
    }
    this.#change({});
  }

  opened(transport: ConnectionState['transport'], tookMs: number): void {
    this.#quietMs = Math.min(Math.max(quietMs, 2 * tookMs), longestQuietMs);
    this.#isOpen = true;
    this.#isUnreachable = false;
    this.#wasOpen = true;
    if (this.#isBehind) this.#awaitQuiet();
    this.#change({ transport });
  }

  lost(): void {
    if (this.#isOpen && this.#streams > 0) this.#catchUp();
    this.#isOpen = false;
    clearTimeout(this.#quiet);
    this.#change({ transport: undefined });
  }

  reached(isReached: boolean): void {
    if (this.#isUnreachable === !isReached) return;
    this.#isUnreachable = !isReached;
    this.#change({});
  }

  received(): void {
    this.reached(true);
    if (!this.#isBehind) return;
    this.#awaitQuiet();
    this.#state = { ...this.#state, caughtUp: this.#state.caughtUp + 1 };
    if (this.#state.caughtUp % countStep === 1) this.#tell();
  }

  waiting(waiting: number): void {
    if (waiting !== this.#state.waiting) this.#change({ waiting });
  }

  close(): void {
    clearTimeout(this.#quiet);
    this.#listeners.clear();
  }

  #catchUp(): void {
    this.#isBehind = true;
    this.#state = { ...this.#state, caughtUp: 0 };
  }

  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#isBehind = false;
      this.#change({});
      this.#tell();
    }, this.#quietMs);
  }

  #change(more: Partial<ConnectionState>): void {
    const before = this.#state;
    const next = { ...before, ...more, status: this.#word() };
    const names = ['status', 'caughtUp', 'waiting', 'transport'] as const;
    if (names.every((name) => next[name] === before[name])) return;
    this.#state = next;
    this.#tell();
  }

  #word(): ConnectionState['status'] {
    if (this.#isUnreachable) return 'offline';
    if (this.#streams === 0) return 'idle';
    if (this.#started === 0) return 'connecting';
    if (this.#isOpen) return this.#isBehind ? 'resuming' : 'live';
    return this.#wasOpen ? 'resuming' : 'connecting';
  }

  #tell(): void {
    callAll(this.#listeners);
  }
}
