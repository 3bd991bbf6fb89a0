// One way to carry streams: a socket, or one event stream for each. A wire does not retry: it says how a stream ended.
import type { FormattedError } from './errors.ts';
import type { Payload, Result } from './types.ts';

export type Outcome =
  | { kind: 'complete' }
  /** The gateway answered with an error in place of events, or in place of more. */
  | { kind: 'refused'; errors: readonly FormattedError[]; authorization: string | undefined }
  /** The line was lost. */
  | { kind: 'broken'; closeCode?: number; cause?: unknown; authorization: string | undefined };

export interface WireSink {
  next(result: Result): void;
  /** Called once, and nothing after it. */
  end(outcome: Outcome): void;
}

export interface WireEvents {
  /** A line was made, in so many milliseconds. */
  opened(tookMs: number): void;
  /** It was lost, or not made; may be told twice. */
  closed(): void;
}

export interface Wire {
  readonly transport: 'websocket' | 'event-stream';
  /** Returns what ends the stream without an outcome. */
  open(payload: Payload, sink: WireSink): () => void;
  /** A cursor of the present, from which nothing is lost. */
  cursor(): Promise<string | Outcome>;
  /** The same user's token was renewed. */
  renewed(): void;
  /** The machine may have slept, or is on another network: finds out soon whether anybody is there still. */
  probe(): void;
  /** Ends what is open, as the line is lost: who calls has changed. */
  reset(): void;
  close(): void;
}
