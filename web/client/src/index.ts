export { Client, createClient, type MutationOptions, type RunOptions } from './client.ts';
export {
  type ErrorCode,
  type FormattedError,
  MillraceError,
  type Violation,
} from './errors.ts';
export type { Settled, Waiting } from './outbox.ts';
export { newKey, type RequestOptions } from './requests.ts';
export type { IssuedSession, SessionChange } from './session.ts';
export type { ConnectionState } from './status.ts';
export { memoryStore, webStore } from './stores.ts';
export type {
  Document,
  Operation,
  Options,
  Result,
  Sink,
  Store,
  StreamOptions,
  Variables,
} from './types.ts';
