// The client: puts the parts together, and is what applications and adapters call.
import { call } from './calls.ts';
import { payloadOf, read } from './document.ts';
import { asError, MillraceError } from './errors.ts';
import { type Controls, iterate } from './iterate.ts';
import { Line } from './line.ts';
import { Outbox } from './outbox.ts';
import { post, type Sending } from './post.ts';
import { dataOf, newKey, type RequestOptions, Requests } from './requests.ts';
import { type IssuedSession, type SessionChange, Sessions } from './session.ts';
import { withAny } from './signals.ts';
import { type ConnectionState, Status } from './status.ts';
import { defaultQueue, memoryStore } from './stores.ts';
import { type Shared, Stream } from './stream.ts';
import { Tabs } from './tabs.ts';
import type { Operation, Options, Result, Sink, StreamOptions } from './types.ts';

export interface MutationOptions extends RequestOptions {
  /** Keeps the mutation until it can be sent, also over a restart. The promise waits as long. */
  queue?: boolean;
}

/** Of these each kind of operation takes its own: streams `onGap` and `onPatch`, queries `headers`, mutations the others, too. */
export type RunOptions = StreamOptions & Omit<MutationOptions, 'signal'>;

type Answered<Data> = Result<Data> & { data: Data };

export function createClient(options: Options): Client {
  return new Client(options);
}

export class Client {
  /** The mutations that are queued, what they came to, and what drops them. */
  readonly outbox: Pick<Outbox, 'list' | 'onSettled' | 'clear'>;
  readonly #tabs: Tabs;
  readonly #sessions: Sessions;
  readonly #status = new Status();
  readonly #requests: Requests;
  readonly #outbox: Outbox;
  readonly #shared: Shared;
  readonly #streams = new Set<Stream>();
  readonly #disposing = new AbortController();

  constructor(options: Options) {
    const { url, timeoutMs = 40_000, attempts = 7, token } = options;
    const name = `millrace:${options.name ?? url}`;
    const bounds = {
      firstMs: options.backoff?.firstMs ?? 250,
      longestMs: options.backoff?.longestMs ?? 30_000,
    };
    // Bound to nothing: `fetch` of a browser is called without a receiver.
    const sending: Sending = {
      url,
      timeoutMs,
      fetch: options.fetch ?? ((...sent) => fetch(...sent)),
    };
    this.#tabs = new Tabs(name);
    this.#sessions = new Sessions(name, {
      store: options.sessions ?? memoryStore(),
      tabs: this.#tabs,
      send: (payload, authorization) => post(sending, payload, authorization),
      token,
    });
    this.#requests = new Requests({ sending, attempts, bounds }, this.#sessions, this.#status);
    const [sessions, status, requests] = [this.#sessions, this.#status, this.#requests];
    const line = new Line({ ...options, fetch: sending.fetch }, bounds, sessions, requests, status);
    this.#shared = { line, sessions, status, bounds };
    const store = options.queue ?? defaultQueue();
    this.#outbox = new Outbox(
      name,
      { store, tabs: this.#tabs, requests, sessions, status },
      bounds,
    );
    this.outbox = this.#outbox;
    this.#outbox.drain();
    globalThis.addEventListener?.('online', this.#onOnline);
    globalThis.addEventListener?.('offline', this.#onOffline);
    globalThis.document?.addEventListener('visibilitychange', this.#onVisible);
  }

  /** What to show of the connection. It stays the same object until it changes. */
  get state(): ConnectionState {
    return this.#status.get();
  }

  /** Calls the listener after each change of `state`; returns what ends that. */
  onState(listener: () => void): () => void {
    return this.#status.subscribe(listener);
  }

  get userId(): string | undefined {
    return this.#sessions.userId;
  }

  /** Calls the listener when a session began, was renewed, ended, or was left, in this tab or another; returns what ends that. */
  onSession(listener: (change: SessionChange) => void): () => void {
    return this.#sessions.on(listener);
  }

  /** Takes over the session that the store or another tab has; returns whether there is one, after a few seconds at most. */
  restore(): Promise<boolean> {
    return this.#sessions.restore();
  }

  /** Signs in; returns the user's id. */
  signIn(input: { email: string; password: string }): Promise<string> {
    return this.#sessions.enter('signIn', input);
  }

  /** Registers a user and signs in as them; returns their id. */
  register(input: {
    email: string;
    password: string;
    name: string;
    /** To be found by. */
    username?: string;
  }): Promise<string> {
    return this.#sessions.enter('register', input);
  }

  /** Goes on with a session that another document began. */
  useSession(session: IssuedSession, userId?: string): Promise<void> {
    return this.#sessions.begin(session, userId);
  }

  /** Ends the session, here also when the gateway cannot be told; `everywhere` ends all sessions of the user, or fails. */
  signOut(options: { everywhere?: boolean } = {}): Promise<void> {
    return this.#sessions.leave(options);
  }

  /** Sends a query; throws when the answer has errors. The answer shows what this client wrote before. */
  async query<Data>(operation: Operation<Data>, options?: RequestOptions): Promise<Answered<Data>> {
    return dataOf<Data>(await this.execute(operation, options));
  }

  /** Sends a mutation, which is done once however often it is repeated; throws when the answer has errors. */
  async mutate<Data>(
    operation: Operation<Data>,
    options: MutationOptions = {},
  ): Promise<Answered<Data>> {
    const answering = options.queue
      ? this.#add(operation, options)
      : this.execute(operation, options);
    return dataOf<Data>(await answering);
  }

  /** The answer to a query or mutation as it came, with its errors. Throws when there was none. */
  execute(operation: Operation, options: RequestOptions = {}): Promise<Result> {
    return withAny([options.signal, this.#disposing.signal], (signal) =>
      this.#requests.execute(operation, { ...options, signal }),
    );
  }

  /** The events of a subscription, or the answers of a live query, each once, as long as somebody takes them. */
  subscribe<Data>(
    operation: Operation<Data>,
    options: StreamOptions = {},
  ): AsyncIterableIterator<Result<Data>> {
    return iterate<Data>((sink) => this.#stream(operation, sink, options));
  }

  /** The same for callbacks, and for operations of every kind; returns what ends it. */
  run<Data>(operation: Operation<Data>, sink: Sink<Data>, options: RunOptions = {}): () => void {
    const aborting = new AbortController();
    let isQueued: boolean | undefined;
    try {
      const { isStream, kind } = read(operation);
      if (isStream) return this.#stream(operation, sink, options).stop;
      isQueued = kind === 'mutation' && options.queue;
    } catch (cause) {
      // Whoever hears of a refusal later hears of this one later, too.
      queueMicrotask(() => !aborting.signal.aborted && call(() => sink.error(asError(cause))));
      return () => aborting.abort();
    }
    const { signal } = aborting;
    // What was queued is sent, whether somebody still waits for it or not.
    const answering = isQueued
      ? this.#add(operation, options)
      : this.execute(operation, { ...options, signal });
    answering.then(
      (result) => {
        if (aborting.signal.aborted) return;
        call(() => sink.next(result as Result<Data>));
        call(() => sink.complete());
      },
      (cause) => {
        if (!aborting.signal.aborted) call(() => sink.error(asError(cause)));
      },
    );
    return () => aborting.abort();
  }

  /** Ends everything. Queued mutations stay in their store. */
  dispose(): void {
    const error = new MillraceError('ABORTED', 'The client was disposed');
    for (const stream of this.#streams) stream.fail(error);
    this.#disposing.abort();
    globalThis.removeEventListener?.('online', this.#onOnline);
    globalThis.removeEventListener?.('offline', this.#onOffline);
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisible);
    for (const part of [this.#shared.line, this.#outbox, this.#sessions, this.#tabs, this.#status])
      part.close();
  }

  async #add(operation: Operation, { idempotencyKey, headers }: RunOptions): Promise<Result> {
    // They may name another user, or a time that is over by then.
    if (headers && Object.keys(headers).length > 0)
      throw new MillraceError('BAD_REQUEST', 'A mutation with headers cannot be queued');
    return this.#outbox.add(operation, idempotencyKey ?? newKey());
  }

  #stream<Data>(operation: Operation, sink: Sink<Data>, options: StreamOptions): Controls {
    const reading = read(operation);
    const payload = payloadOf(operation, reading);
    const readAfter = this.#requests.lastWritten;
    if (reading.kind === 'query' && readAfter)
      payload.extensions = { readAfter, ...payload.extensions };
    const forget = () => this.#streams.delete(stream);
    const ends: Sink = {
      next: (result) => sink.next(result as Result<Data>),
      error: (error) => {
        forget();
        sink.error(error);
      },
      complete: () => {
        forget();
        sink.complete();
      },
    };
    const stream: Stream = new Stream(this.#shared, payload, reading, ends, options);
    this.#streams.add(stream);
    return {
      stop: () => {
        forget();
        stream.stop();
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
    };
  }

  readonly #onOnline = () => {
    this.#status.reached(true);
    this.#wake();
  };

  /** A page that is not looked at may have slept, and its timers come late. */
  readonly #onVisible = () => {
    if (globalThis.document?.visibilityState === 'visible') this.#wake();
  };

  #wake(): void {
    this.#shared.line.wake();
    this.#outbox.drain();
  }

  readonly #onOffline = () => {
    this.#status.reached(false);
  };
}
