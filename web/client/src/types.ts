// What callers hand in and get back. Everything a caller may implement or replace is an interface here.
import type { DocumentNode } from 'graphql';
import type { FormattedError, MillraceError } from './errors.ts';
import type { Patch } from './patch.ts';

export type Variables = Record<string, unknown>;

/** A document whose type says what its answers are, as GraphQL Code Generator makes them. */
export type Document<Data> = (DocumentNode | Pick<string, 'toString' | 'trim'>) & {
  __apiType?: (variables: never) => Data;
};

export interface Operation<Data = unknown> {
  query: string | Document<Data>;
  variables?: Variables;
  operationName?: string;
  extensions?: Record<string, unknown>;
}

/** A result as the gateway sent it; patches of live queries are applied already. */
export interface Result<Data = unknown> {
  data?: Data | null;
  errors?: readonly FormattedError[];
  extensions?: Record<string, unknown>;
}

/** Either `error` or `complete` is called once, at the end, and nothing after it. */
export interface Sink<Data = unknown> {
  next(result: Result<Data>): void;
  error(error: MillraceError): void;
  complete(): void;
}

export interface StreamOptions {
  /**
   * Asked when the events behind the cursor are no longer there (CURSOR_EXPIRED, CURSOR_INVALID). Query what is now,
   * and return that answer's cursor: the subscription goes on behind it. Without this the subscription fails. It is asked
   * again when it throws a `MillraceError` that may pass.
   */
  onGap?: (error: MillraceError) => string | undefined | Promise<string | undefined>;
  /** Told what changed in a live query, where the gateway sent that alone, before the answer that it makes. */
  onPatch?: (patch: Patch) => void;
}

/** Text under keys. `localStorage` and `sessionStorage` fit by `webStore`; IndexedDB may, as all may be asynchronous. */
export interface Store {
  get(key: string): string | null | Promise<string | null>;
  set(key: string, value: string): void | Promise<void>;
  remove(key: string): void | Promise<void>;
  keys(): string[] | Promise<string[]>;
}

export interface Options {
  /** The endpoint, such as `https://api.example.com/graphql`. The socket has the same address. */
  url: string;
  /** `auto`, the default, uses a socket, and event streams where sockets do not get through. */
  transport?: 'auto' | 'websocket' | 'event-stream';
  /** Tabs whose clients have the same name share a session and a queue. Default: the address. */
  name?: string;
  /** Where the session is kept. Default: in memory, shared with other open tabs. */
  sessions?: Store;
  /** Where waiting mutations are kept. Default: `localStorage`, or memory where there is none. */
  queue?: Store;
  /** Gives the access token, for applications that do not sign in through this client. Asked again when one was refused. */
  token?: () => string | undefined | Promise<string | undefined>;
  /** The longest wait for an answer over HTTP, in milliseconds. Default: 40,000. */
  timeoutMs?: number;
  /** How often a query or mutation is sent at most. Default: 7, over some 12 seconds. */
  attempts?: number;
  /** The first and the longest delay between attempts, in milliseconds. Default: 250 and 30,000. */
  backoff?: { firstMs?: number; longestMs?: number };
  fetch?: typeof fetch;
  /** Needed where there is no global `WebSocket`, as in Node.js before 22: the class of the package `ws`. */
  webSocketImpl?: unknown;
}

/** An operation as it is sent. */
export interface Payload {
  query: string;
  variables: Variables;
  operationName?: string;
  extensions?: Record<string, unknown>;
}
