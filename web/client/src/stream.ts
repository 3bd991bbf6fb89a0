// One subscription or live query, over as many lines as it takes.
//
// Its cursor is moved in place, in the variables that are sent again, in the same turn in which an event is handed on; so each
// event is either behind the cursor and was handed on, or comes after it and was not. A line's events are listened to until it
// ends, and the next one begins at the cursor; so no two lines hand on the same event. A subscription that begins with the
// present first gets a cursor of the present, because a line that is cut before the first event would otherwise leave nothing
// to resume from.
//
// What has no cursor shows what is current when it comes back: the subscriptions to current values, and live queries.
import { type Bounds, delayMs, sleep } from './backoff.ts';
import { call } from './calls.ts';
import type { Reading } from './document.ts';
import {
  asError,
  codeOf,
  type FormattedError,
  MillraceError,
  notRenewed,
  passing,
} from './errors.ts';
import type { Attempt, Line } from './line.ts';
import { LiveAnswer } from './live.ts';
import type { Patch } from './patch.ts';
import type { Sessions } from './session.ts';
import type { Status } from './status.ts';
import type { Payload, Result, Sink, StreamOptions } from './types.ts';
import type { Outcome, Wire } from './wire.ts';

export interface Shared {
  line: Line;
  sessions: Sessions;
  status: Status;
  bounds: Bounds;
}

/** As often in a row a failure that is the gateway's own is taken for a passing one. */
const mostInternal = 5;
/** So many tokens in a row, each refused at once, are not a matter of renewal. */
const mostRecoveries = 3;
const recoverySpanMs = 2_000;
/** The socket was closed for what was sent on it; it would be closed again. */
const fatalCodes = new Set([4400, 4401, 4406, 4409, 4429]);
/** Of the messages on a socket that was closed with 1009, those of this length may have been the one that is too large. */
const suspiciousBytes = 60_000;
const tryLaterMs = 1_000;
const disconnectedMs = 10_000;

/** A patch of a live query that does not fit what is here: the query is asked anew. */
const misfit: Outcome = {
  kind: 'refused',
  errors: [{ message: 'A patch does not fit', extensions: { code: 'INTERNAL' } }],
  authorization: undefined,
};

type Ending = Outcome | { kind: 'interrupted' };

export class Stream {
  readonly #shared: Shared;
  readonly #payload: Payload;
  readonly #reading: Reading;
  readonly #sink: Sink;
  readonly #options: StreamOptions;
  readonly #stopping = new AbortController();
  #interrupt = () => {};
  #unpaused: Promise<void> | undefined;
  #unpause = () => {};
  #isStarted = false;
  #failures = 0;
  /** Failures of the gateway's own, in a row. */
  #internal = 0;
  /** Gaps in a row, without an event between them. */
  #gaps = 0;
  #recoveries = 0;
  #recoveredAt = 0;
  readonly #live: LiveAnswer | undefined;

  constructor(
    shared: Shared,
    payload: Payload,
    reading: Reading,
    sink: Sink,
    options: StreamOptions,
  ) {
    this.#shared = shared;
    this.#payload = payload;
    this.#reading = reading;
    this.#sink = sink;
    this.#options = options;
    this.#live = reading.kind === 'query' ? new LiveAnswer() : undefined;
    shared.status.began();
    if (!reading.after || this.#cursor !== undefined) this.#started(this.#cursor !== undefined);
    const ended = () => shared.status.ended(this.#isStarted);
    this.#stopping.signal.addEventListener('abort', ended);
    // What may throw is the application's: its token, its stores.
    this.#run().catch((cause) => this.fail(asError(cause)));
  }

  /** Ends it; nothing is handed on any more. */
  stop(): void {
    this.#stopping.abort();
    this.#interrupt();
    this.resume();
  }

  /** Ends it with an error. */
  fail(error: MillraceError): void {
    if (this.#isStopped) return;
    this.stop();
    call(() => this.#sink.error(error));
  }

  /** Takes nothing until `resume`, and then goes on behind the last event. */
  pause(): void {
    if (this.#unpaused || this.#isStopped) return;
    this.#unpaused = new Promise((resolve) => {
      this.#unpause = resolve;
    });
    this.#interrupt();
  }

  resume(): void {
    this.#unpaused = undefined;
    this.#unpause();
  }

  #started(isBehind: boolean): void {
    this.#isStarted = true;
    this.#shared.status.started(isBehind);
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  get #cursor(): string | undefined {
    const { after } = this.#reading;
    const cursor = after && this.#payload.variables[after];
    return typeof cursor === 'string' ? cursor : undefined;
  }

  set #cursor(cursor: string | undefined) {
    if (this.#reading.after) this.#payload.variables[this.#reading.after] = cursor;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      await this.#unpaused;
      const attempt = await this.#shared.line.begin();
      if (this.#isStopped || this.#unpaused) continue;
      const ending = (await this.#start(attempt.wire)) ?? (await this.#follow(attempt.wire));
      if (this.#isStopped || ending.kind === 'interrupted') continue;
      const error = await this.#afterwards(ending, attempt);
      if (this.#isStopped || error === undefined) continue;
      this.#stopping.abort();
      if (error === 'complete') call(() => this.#sink.complete());
      else call(() => this.#sink.error(error));
    }
  }

  /** Gets the cursor to begin at; returns what came in place of one. */
  async #start(wire: Wire): Promise<Ending | undefined> {
    if (!this.#reading.after || this.#cursor !== undefined) return undefined;
    const begun = await wire.cursor();
    if (typeof begun !== 'string') return begun;
    this.#cursor = begun;
    if (!this.#isStopped) this.#started(false);
    return this.#isStopped || this.#unpaused ? { kind: 'interrupted' } : undefined;
  }

  /** Hands on events until the line ends. */
  #follow(wire: Wire): Promise<Ending> {
    if (this.#live) this.#extend('live', this.#live.begin());
    return new Promise((resolve) => {
      const close = wire.open(this.#payload, {
        next: (result) => {
          if (this.#next(result)) return;
          this.#live?.forget();
          close();
          resolve(misfit);
        },
        end: resolve,
      });
      this.#interrupt = () => {
        close();
        resolve({ kind: 'interrupted' });
      };
    });
  }

  /** Returns false when a live query has to begin anew. */
  #next(received: Result): boolean {
    const result = this.#live ? this.#live.next(received) : received;
    if (!result) return false;
    const cursor = received.extensions?.cursor;
    if (typeof cursor === 'string') this.#cursor = cursor;
    // Later answers show it by themselves.
    this.#extend('readAfter', undefined);
    this.#failures = 0;
    this.#internal = 0;
    this.#gaps = 0;
    this.#shared.line.progressed();
    this.#shared.status.received();
    if (result === 'unchanged') return true;
    const { patch } = received as { patch?: Patch };
    if (patch) call(() => this.#options.onPatch?.(patch));
    call(() => this.#sink.next(result));
    return true;
  }

  /** Sets or removes one of the extensions with which the operation is sent. */
  #extend(name: string, value: unknown): void {
    const { [name]: before, ...rest } = this.#payload.extensions ?? {};
    if (before === value) return;
    this.#payload.extensions = value === undefined ? rest : { ...rest, [name]: value };
  }

  /** Prepares the next attempt, or returns why there is none. */
  async #afterwards(
    ending: Outcome,
    attempt: Attempt,
  ): Promise<MillraceError | 'complete' | undefined> {
    if (ending.kind === 'complete') return 'complete';
    if (ending.kind === 'refused') return this.#refused(ending.errors, ending.authorization);
    const { closeCode, cause } = ending;
    if (closeCode === 4403) {
      const message = 'The gateway refused the token, or the session ended';
      const error = new MillraceError('UNAUTHENTICATED', message, { closeCode, cause });
      return this.#recover(error, ending.authorization);
    }
    const reason = (cause as { reason?: string } | undefined)?.reason;
    const message = `The gateway closed the socket: ${closeCode} ${reason ?? ''}`.trim();
    if (closeCode && fatalCodes.has(closeCode))
      return new MillraceError('BAD_REQUEST', message, { closeCode, cause });
    if (closeCode === 1009 && JSON.stringify(this.#payload).length > suspiciousBytes)
      return new MillraceError('PAYLOAD_TOO_LARGE', message, { closeCode, cause });
    const isLater = closeCode === 1013 ? tryLaterMs : closeCode === 4410 ? disconnectedMs : 0;
    this.#shared.line.failed(attempt, isLater);
    return undefined;
  }

  async #refused(errors: readonly FormattedError[], authorization: string | undefined) {
    const code = codeOf(errors) ?? '';
    const error = MillraceError.of(errors);
    if (code === 'UNAUTHENTICATED') return this.#recover(error, authorization);
    if (code === 'CURSOR_EXPIRED' || code === 'CURSOR_INVALID') {
      if (this.#reading.after) return this.#bridge(error);
      // There is another log, as after a restore. What has no cursor is asked anew; without what is here, a live query is answered whole.
      this.#live?.forget();
      await this.#wait(error);
      return undefined;
    }
    if (
      this.#payload.extensions?.readAfter &&
      (code === 'READ_AFTER_TIMEOUT' || code === 'BAD_REQUEST')
    ) {
      // The read models are too late, or the token is not known any more: the answer comes without waiting.
      this.#extend('readAfter', undefined);
      return undefined;
    }
    return this.#waitOut(error);
  }

  /** Waits until another attempt is due, or returns the error if none makes sense. */
  async #waitOut(error: MillraceError): Promise<MillraceError | undefined> {
    this.#internal = error.code === 'INTERNAL' ? this.#internal + 1 : 0;
    if (!passing.has(error.code) || this.#internal > mostInternal) return error;
    await this.#wait(error);
    return undefined;
  }

  async #wait(error: MillraceError): Promise<void> {
    const askedMs = (error.retryAfterSeconds ?? 0) * 1000;
    const waitMs = Math.max(delayMs(this.#failures, this.#shared.bounds), askedMs);
    this.#failures += 1;
    await sleep(waitMs, this.#stopping.signal);
  }

  /** Prepares an attempt with another token, or returns the error if there is none. */
  async #recover(
    error: MillraceError,
    authorization: string | undefined,
  ): Promise<MillraceError | undefined> {
    const recovery = await this.#shared.sessions.recover(authorization, error.reason);
    if (recovery === 'over') return error;
    // The session is still there, and is renewed as soon as the gateway can.
    if (recovery === 'later') return this.#waitOut(notRenewed());
    const now = Date.now();
    this.#recoveries = now - this.#recoveredAt < recoverySpanMs ? this.#recoveries + 1 : 0;
    this.#recoveredAt = now;
    return this.#recoveries < mostRecoveries ? undefined : error;
  }

  /** Goes on from where the application says, as the events between are not there any more. */
  async #bridge(error: MillraceError): Promise<MillraceError | undefined> {
    if (!this.#options.onGap) return error;
    let cursor: string | undefined;
    try {
      cursor = await this.#options.onGap(error);
    } catch (cause) {
      // After the delay the gateway is asked again, and then the application.
      if (cause instanceof MillraceError) return this.#waitOut(cause);
      return new MillraceError(error.code, error.message, { cause });
    }
    if (cursor === undefined || cursor === this.#cursor) return error;
    this.#cursor = cursor;
    // Asked for a cursor, and refused it, again and again: there is no hurry.
    this.#gaps += 1;
    if (this.#gaps > 1) await this.#wait(error);
    return undefined;
  }
}
