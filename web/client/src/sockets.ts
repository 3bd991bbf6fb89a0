// The socket: graphql-ws, without its retries. One that says nothing is given up: while it opens, and when a ping has no answer.
import { type Client, createClient } from 'graphql-ws/client';
import { documents } from './documents.ts';
import type { FormattedError } from './errors.ts';
import type { Sessions } from './session.ts';
import type { Payload, Result } from './types.ts';
import type { Outcome, Wire, WireEvents, WireSink } from './wire.ts';

type SocketClass = typeof WebSocket;

const openingMs = 10_000;
const pingMs = 10_000;
const pongMs = 10_000;
/** An answer is due sooner when there is a reason to doubt. */
const probeMs = 5_000;
/** A socket without operations stays for the next one. */
const idleMs = 3_000;

export class Sockets implements Wire {
  readonly transport = 'websocket';
  readonly #client: Client;
  readonly #sessions: Sessions;
  #socket: WebSocket | undefined;
  /** What the gateway was told on the socket. */
  #told: string | undefined;
  #createdAt = 0;
  #opening: ReturnType<typeof setTimeout> | undefined;
  #pongDue: ReturnType<typeof setTimeout> | undefined;
  /** Who waits for the cursor of the next `connection_ack`. */
  readonly #starting = new Set<(cursor: string) => void>();

  constructor(url: string, impl: unknown, sessions: Sessions, events: WireEvents) {
    this.#sessions = sessions;
    const closed = () => {
      clearTimeout(this.#opening);
      clearTimeout(this.#pongDue);
      this.#socket = undefined;
      events.closed();
    };
    this.#client = createClient({
      url: async () => {
        // The gateway waits for `connection_init` for 3 s: a token is renewed before the socket opens. A failure is told below.
        await sessions.authorization().catch(() => {});
        return url.replace(/^http/, 'ws');
      },
      webSocketImpl: this.#watched((impl ?? WebSocket) as SocketClass),
      connectionParams: async () => {
        this.#told = await sessions.authorization();
        return this.#told ? { authorization: this.#told } : undefined;
      },
      retryAttempts: 0,
      lazyCloseTimeout: idleMs,
      keepAlive: pingMs,
      on: {
        connected: (socket, payload) => {
          clearTimeout(this.#opening);
          this.#socket = socket as WebSocket;
          events.opened(Date.now() - this.#createdAt);
          const cursor = (payload as { cursor?: unknown } | undefined)?.cursor;
          if (typeof cursor === 'string') for (const start of this.#starting) start(cursor);
          // The token was renewed while the socket opened.
          this.renewed();
        },
        ping: (isReceived) => {
          if (!isReceived) this.#pongDue ??= setTimeout(() => this.reset(), pongMs);
        },
        message: () => {
          clearTimeout(this.#pongDue);
          this.#pongDue = undefined;
        },
        closed,
        error: closed,
      },
    });
  }

  open(payload: Payload, sink: WireSink): () => void {
    let isOver = false;
    const end = (outcome: Outcome) => {
      if (!isOver) sink.end(outcome);
      isOver = true;
    };
    const stop = this.#client.subscribe(payload as Payload & Record<string, unknown>, {
      next: (result) => {
        if (!isOver) sink.next(result as Result);
      },
      error: (cause) => end(this.#outcomeOf(cause)),
      complete: () => end({ kind: 'complete' }),
    });
    return () => {
      isOver = true;
      stop();
    };
  }

  /** That of the `connection_ack`, when the socket is opened for this; otherwise of a query. */
  cursor(): Promise<string | Outcome> {
    return new Promise((resolve) => {
      const settle = (begun: string | Outcome) => {
        this.#starting.delete(settle);
        stop();
        resolve(begun);
      };
      this.#starting.add(settle);
      const asked: Payload = { query: documents.nothing, variables: {} };
      const stop = this.open(asked, {
        next: ({ extensions, errors }) => {
          const cursor = extensions?.cursor;
          if (typeof cursor === 'string') settle(cursor);
          else settle(this.#outcomeOf(errors ?? []));
        },
        end: settle,
      });
    });
  }

  renewed(): void {
    const authorization = this.#sessions.current();
    if (this.#socket?.readyState !== 1 || !authorization || authorization === this.#told) return;
    this.#told = authorization;
    this.#socket.send(JSON.stringify({ type: 'ping', payload: { authorization } }));
  }

  probe(): void {
    if (this.#socket?.readyState !== 1) return;
    this.#socket.send('{"type":"ping"}');
    this.#pongDue ??= setTimeout(() => this.reset(), probeMs);
  }

  reset(): void {
    this.#client.terminate();
  }

  close(): void {
    // A socket that is being opened may fail instead.
    Promise.resolve(this.#client.dispose()).catch(() => {});
    this.reset();
  }

  /** What graphql-ws reports: errors of the gateway, a close event, or what the socket raised. */
  #outcomeOf(cause: unknown): Outcome {
    const authorization = this.#told;
    if (Array.isArray(cause))
      return { kind: 'refused', errors: cause as FormattedError[], authorization };
    const closeCode = (cause as { code?: unknown } | undefined)?.code;
    const isCode = typeof closeCode === 'number';
    return { kind: 'broken', ...(isCode && { closeCode }), cause, authorization };
  }

  /** graphql-ws waits without end for a socket that does not open, and shows it to nobody before. */
  #watched(Impl: SocketClass): SocketClass {
    const watch = (socket: WebSocket) => {
      this.#createdAt = Date.now();
      clearTimeout(this.#opening);
      this.#opening = setTimeout(() => this.reset(), openingMs);
      // The package `ws` raises an error when it is given up while it opens; nobody listens to it by then.
      (socket as unknown as { on?: (event: string, listener: () => void) => void }).on?.(
        'error',
        () => {},
      );
    };
    return class extends Impl {
      constructor(url: string | URL, protocols?: string | string[]) {
        super(url, protocols);
        watch(this);
      }
    };
  }
}
