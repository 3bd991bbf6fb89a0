// Mutations that wait until they can be sent: kept in a store, sent in their order, each done once.
//
// An entry is stored before `add` returns, and removed after it was answered. In between anything may end: the same key makes
// a repeat harmless, from this tab or another one. One tab at a time sends, under a lock; where two do, for want of locks, the
// gateway still does each mutation once. Keys are remembered for 24 hours, so an entry that may have been sent longer ago is
// not sent again: it is reported as OUTDATED, and the user must look. The first attempt is noted before it is made.
//
// An entry belongs to the user who is signed in, or was until the session ended by itself, and is sent as nobody else. A refused
// one is reported, and does not keep back those behind it. One that cannot be sent now does.
import { type Bounds, delayMs, quietTimer, sleep } from './backoff.ts';
import { callAll } from './calls.ts';
import { isSecret, payloadOf, read } from './document.ts';
import { asError, codeOf, MillraceError } from './errors.ts';
import { formOf } from './form.ts';
import type { Attempt, Requests } from './requests.ts';
import type { Sessions } from './session.ts';
import type { Status } from './status.ts';
import type { Tabs } from './tabs.ts';
import { subjectOf } from './token.ts';
import type { Operation, Payload, Result, Store } from './types.ts';

interface Entry {
  id: string;
  user: string;
  payload: Payload;
  attemptedAt?: number;
}

/** A mutation that waits. */
export interface Waiting {
  /** Its idempotency key. */
  id: string;
  operation: Operation;
  /** Whether it may have been sent already, without an answer. */
  isTried: boolean;
}

/** How a queued mutation ended. */
export interface Settled {
  /** Its idempotency key. */
  id: string;
  operation: Operation;
  result: Result;
}

const mostEntries = 1_000;
/** The gateway remembers keys for 24 h, by a clock that may be another one. */
const safeMs = 23 * 60 * 60_000;
/** A failure that is the gateway's own is not waited for without end. */
const mostInternal = 10;
const lockPatienceMs = 60_000;
/** Another tab says what came of a mutation before it removes it; so long that takes to be heard. */
const hearingMs = 1_000;

export class Outbox {
  readonly #prefix: string;
  readonly #store: Store;
  readonly #tabs: Tabs;
  readonly #requests: Requests;
  readonly #sessions: Sessions;
  readonly #status: Status;
  readonly #bounds: Bounds;
  /** Who waits in this tab for what came of which entry. */
  readonly #waiting = new Map<string, (result: Result) => void>();
  readonly #listeners = new Set<(settled: Settled) => void>();
  #draining: Promise<void> | undefined;
  #isAsked = false;
  #isClosed = false;
  /** Failures in a row, and those of them that are the gateway's own, in a row. */
  #failures = 0;
  #internal = 0;
  #lastAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    name: string,
    parts: { store: Store; tabs: Tabs; requests: Requests; sessions: Sessions; status: Status },
    bounds: Bounds,
  ) {
    this.#prefix = `${name}:outbox:`;
    this.#store = parts.store;
    this.#tabs = parts.tabs;
    this.#requests = parts.requests;
    this.#sessions = parts.sessions;
    this.#status = parts.status;
    this.#bounds = bounds;
    parts.tabs.listen((message) => {
      if (message.type === 'settled') this.#settle(message.id, message.result as Result);
      if (message.type === 'queued' || message.type === 'settled') this.#recount();
    });
    parts.sessions.on((change) => {
      if (change === 'begun' || change === 'renewed') this.drain();
      else this.#recount();
    });
    let wasOffline = false;
    parts.status.subscribe(() => {
      const isOffline = parts.status.get().status === 'offline';
      if (wasOffline && !isOffline) this.drain();
      wasOffline = isOffline;
    });
  }

  /** Is told how each mutation ended that this tab sent, also of those that were queued before it was opened. */
  onSettled(listener: (settled: Settled) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stores a mutation, and returns its answer when there is one: perhaps after days, or in another tab. */
  async add(operation: Operation, id: string): Promise<Result> {
    const reading = read(operation);
    if (reading.kind !== 'mutation' || isSecret(reading))
      throw new MillraceError('BAD_REQUEST', 'Only mutations without secrets can be queued');
    const payload = payloadOf(operation, reading);
    if (formOf(payload))
      throw new MillraceError('BAD_REQUEST', 'Mutations with files cannot be queued');
    // Later than everything this tab has queued, also when two come within a millisecond or the clock goes back.
    this.#lastAt = Math.max(Date.now(), this.#lastAt + 1);
    const key = `${this.#prefix}${String(this.#lastAt).padStart(15, '0')}:${id}`;
    const user = await this.#sessions.subject();
    if ((await this.#keys()).length >= mostEntries)
      throw new MillraceError('QUEUE_FULL', `${mostEntries} mutations wait already`);
    try {
      await this.#store.set(key, JSON.stringify({ id, user, payload } satisfies Entry));
    } catch (cause) {
      throw new MillraceError('QUEUE_FULL', 'The mutation could not be stored', { cause });
    }
    const settled = new Promise<Result>((resolve) => this.#waiting.set(id, resolve));
    this.#tabs.tell({ type: 'queued' });
    this.drain();
    return settled;
  }

  /** What waits for the user who is signed in, in the order in which it is sent. */
  async list(): Promise<Waiting[]> {
    const entries = await this.#entries();
    return entries.map(([, { id, payload, attemptedAt }]) => ({
      id,
      operation: payload,
      isTried: attemptedAt !== undefined,
    }));
  }

  /** Drops what waits for the user who is signed in. What was sent already may have been done. */
  async clear(): Promise<void> {
    for (const [key, entry] of await this.#entries()) {
      await this.#store.remove(key);
      this.#end(entry, failed('ABORTED', 'The queue was cleared'));
    }
    await this.#count();
  }

  /** Sends what waits, as far as that is possible now. */
  drain(): void {
    this.#isAsked = true;
    if (this.#isClosed) return;
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
      if (this.#isAsked) this.drain();
    });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#waiting.clear();
  }

  async #drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isAsked = false;
    let waitMs: number | undefined;
    try {
      if ((await this.#count()) > 0)
        waitMs = await this.#tabs.lock('outbox', lockPatienceMs, () => this.#sendAll());
      await this.#missed();
    } catch {
      // The store cannot be used now.
      waitMs = this.#bounds.longestMs;
    }
    if (waitMs !== undefined && !this.#isClosed)
      this.#timer = quietTimer(() => this.drain(), waitMs);
  }

  /** Returns when to go on, if something is left that can be sent later. */
  async #sendAll(): Promise<number | undefined> {
    for (;;) {
      // Read anew each time: another tab may have added one, or sent one without a lock.
      const next = await this.#first();
      if (!next || this.#isClosed) return undefined;
      const [key, entry] = next;
      if (entry.attemptedAt && Date.now() - entry.attemptedAt > safeMs) {
        const message =
          'It may have been sent more than 23 hours ago; whether it was done is unknown';
        await this.#finish(key, entry, failed('OUTDATED', message));
        continue;
      }
      if (subjectOf(await this.#sessions.authorization()) !== entry.user) {
        // Its session has ended, so it waits, and counts as not tried. A session that begins is told, a token is not.
        if (this.#sessions.token) continue;
        return undefined;
      }
      if (!entry.attemptedAt)
        await this.#store.set(key, JSON.stringify({ ...entry, attemptedAt: Date.now() }));
      const attempt = await this.#attempt(entry);
      const { result } = attempt;
      this.#internal = attempt.code === 'INTERNAL' ? this.#internal + 1 : 0;
      // The same, in the meantime.
      if (!result && attempt.code === 'UNAUTHENTICATED' && !this.#sessions.token) return undefined;
      // Without a result it may have been done, or was not sent.
      if (!result || (attempt.isPassing && this.#internal <= mostInternal)) {
        this.#failures += 1;
        return Math.max(delayMs(this.#failures - 1, this.#bounds), attempt.retryAfterMs);
      }
      this.#failures = 0;
      this.#internal = 0;
      const refusal = result.errors?.[0];
      // It waits for its user to sign in again.
      if (refusal && !refusal.path && codeOf(result.errors) === 'UNAUTHENTICATED') return undefined;
      await this.#finish(key, entry, result);
    }
  }

  /** Ends the waiting for what was removed by something else, such as a page that clears `localStorage`. */
  async #missed(): Promise<void> {
    const missing = async () => {
      const keys = await this.#keys();
      const isKept = (id: string) => keys.some((key) => key.endsWith(`:${id}`));
      return [...this.#waiting.keys()].filter((id) => !isKept(id));
    };
    if (this.#waiting.size === 0 || (await missing()).length === 0) return;
    await sleep(hearingMs);
    for (const id of await missing())
      this.#settle(id, failed('ABORTED', 'The mutation was removed from the store of the queue'));
  }

  async #attempt({ id, user, payload }: Entry): Promise<Attempt> {
    try {
      return await this.#requests.attempt(payload, read(payload), { key: id, user });
    } catch (cause) {
      // It cannot be read, as when another version has written it.
      const { code, message } = asError(cause);
      return { result: failed(code, message), code, isPassing: false, retryAfterMs: 0 };
    }
  }

  async #finish(key: string, entry: Entry, result: Result): Promise<void> {
    // Told before it is removed: a tab that ends in between leaves the entry, and its key gets the same answer again.
    this.#end(entry, result);
    await this.#store.remove(key);
    await this.#count();
  }

  #end(entry: Entry, result: Result): void {
    this.#tabs.tell({ type: 'settled', id: entry.id, result });
    this.#settle(entry.id, result);
    callAll(this.#listeners, { id: entry.id, operation: entry.payload, result });
  }

  #settle(id: string, result: Result): void {
    this.#waiting.get(id)?.(result);
    this.#waiting.delete(id);
  }

  async #keys(): Promise<string[]> {
    const keys = await this.#store.keys();
    return keys.filter((key) => key.startsWith(this.#prefix)).sort();
  }

  /** Those of the user who is signed in, in their order. */
  async #entries(): Promise<[string, Entry][]> {
    const user = await this.#sessions.subject();
    const entries: [string, Entry][] = [];
    for (const key of await this.#keys()) {
      const entry = parse(await this.#store.get(key));
      if (entry?.user === user) entries.push([key, entry]);
    }
    return entries;
  }

  async #first(): Promise<[string, Entry] | undefined> {
    const user = await this.#sessions.subject();
    for (const key of await this.#keys()) {
      const entry = parse(await this.#store.get(key));
      if (entry?.user === user) return [key, entry];
    }
    return undefined;
  }

  #recount(): void {
    // A store that cannot be used now has nothing to count.
    this.#count().catch(() => {});
  }

  async #count(): Promise<number> {
    const { length } = await this.#entries();
    this.#status.waiting(length);
    return length;
  }
}

function failed(code: string, message: string): Result {
  return { errors: [{ message, extensions: { code } }] };
}

function parse(text: string | null): Entry | undefined {
  try {
    const entry = JSON.parse(text ?? 'null') as Entry | null;
    return typeof entry?.id === 'string' && typeof entry.payload?.query === 'string'
      ? entry
      : undefined;
  } catch {
    return undefined;
  }
}
