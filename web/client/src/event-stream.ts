// Event streams by `fetch`, one response for each operation, where sockets do not get through. A stream that says nothing, not
// even the comments by which the gateway keeps it open, is given up. One that ends without `complete` was cut.
import type { FormattedError } from './errors.ts';
import { foreignError, resultOf } from './post.ts';
import type { Requests } from './requests.ts';
import type { Sessions } from './session.ts';
import type { Payload, Result } from './types.ts';
import type { Outcome, Wire, WireEvents, WireSink } from './wire.ts';

const openingMs = 20_000;
/** The gateway sends a comment every 12 s. */
const silenceMs = 30_000;
/** While it opens, and between comments. */
const quietMs = 20_000;

export class EventStreams implements Wire {
  readonly transport = 'event-stream';
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #sessions: Sessions;
  readonly #requests: Requests;
  readonly #events: WireEvents;
  /** What cuts each open stream, and when it was heard last. */
  readonly #open = new Map<() => void, number>();

  constructor(
    { url, fetch }: { url: string; fetch: typeof globalThis.fetch },
    sessions: Sessions,
    requests: Requests,
    events: WireEvents,
  ) {
    this.#url = url;
    this.#fetch = fetch;
    this.#sessions = sessions;
    this.#requests = requests;
    this.#events = events;
  }

  open(payload: Payload, sink: WireSink): () => void {
    const aborting = new AbortController();
    let isOver = false;
    const cut = () => aborting.abort();
    const heard = () => void this.#open.set(cut, Date.now());
    heard();
    const next = (result: Result) => !isOver && sink.next(result);
    this.#run(payload, aborting, next, heard).then((outcome) => {
      this.#open.delete(cut);
      if (!isOver) sink.end(outcome);
    });
    return () => {
      isOver = true;
      cut();
    };
  }

  async cursor(): Promise<string | Outcome> {
    try {
      const { result } = await this.#requests.cursor();
      const cursor = result.extensions?.cursor;
      if (typeof cursor === 'string') return cursor;
      return refused(result.errors ?? [], this.#sessions.current());
    } catch (cause) {
      return { kind: 'broken', cause, authorization: this.#sessions.current() };
    }
  }

  /** A stream's token cannot be renewed: the gateway ends it with the token, and it is opened again. */
  renewed(): void {}

  /** One that was silent for longer than a line that is there can be. */
  probe(): void {
    for (const [cut, heardAt] of this.#open) if (Date.now() - heardAt > quietMs) cut();
  }

  reset(): void {
    for (const cut of this.#open.keys()) cut();
  }

  close(): void {
    this.reset();
  }

  async #run(
    payload: Payload,
    aborting: AbortController,
    next: (result: Result) => void,
    heard: () => void,
  ): Promise<Outcome> {
    const cut = () => aborting.abort();
    let silence = setTimeout(cut, openingMs);
    let isOpen = false;
    let began = Date.now();
    let authorization: string | undefined;
    try {
      authorization = await this.#sessions.authorization();
      began = Date.now();
      const response = await this.#fetch(this.#url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          ...(authorization && { authorization }),
        },
        body: JSON.stringify(payload),
        signal: aborting.signal,
      });
      if (!response.body || !isEventStream(response)) return await refusal(response, authorization);
      this.#events.opened(Date.now() - began);
      isOpen = true;
      const parser = new EventParser();
      const decoder = new TextDecoder();
      const reader = response.body.getReader();
      for (;;) {
        clearTimeout(silence);
        silence = setTimeout(cut, silenceMs);
        const { done, value } = await reader.read();
        if (done) return { kind: 'broken', authorization };
        heard();
        for (const { event, data } of parser.push(decoder.decode(value, { stream: true }))) {
          if (event === 'complete') return { kind: 'complete' };
          if (event !== 'next') continue;
          const result = JSON.parse(data) as Result;
          // An event with a failure has a cursor; a refusal has only errors.
          if (result.errors && result.data == null && !result.extensions?.cursor)
            return refused(result.errors, authorization);
          next(result);
        }
      }
    } catch (cause) {
      return { kind: 'broken', cause, authorization };
    } finally {
      clearTimeout(silence);
      cut();
      if (isOpen) this.#events.closed();
    }
  }
}

function isEventStream(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** An answer of the gateway that is no stream, or one of something in between. */
async function refusal(response: Response, authorization: string | undefined): Promise<Outcome> {
  const text = await response.text();
  const errors = resultOf(text)?.errors;
  if (errors) return refused(errors, authorization);
  const foreign = foreignError(text, response.status);
  if (foreign.extensions?.code !== 'UNAVAILABLE') return refused([foreign], authorization);
  return { kind: 'broken', cause: new Error(foreign.message), authorization };
}

function refused(errors: readonly FormattedError[], authorization: string | undefined): Outcome {
  return { kind: 'refused', errors, authorization };
}

/** Takes text in pieces as they come, and gives the events that are complete. */
export class EventParser {
  /** What there is of a line, in pieces: joined with each that comes, a long one would take time by the square of its length. */
  #begun: string[] = [];
  #event = '';
  #data: string[] = [];
  /** The last piece ended in a carriage return, of which a line feed may be to come. */
  #hasReturn = false;

  push(piece: string): { event: string; data: string }[] {
    const events: { event: string; data: string }[] = [];
    const text = this.#hasReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    if (piece) this.#hasReturn = piece.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    const rest = lines.pop() ?? '';
    if (lines.length > 0) lines[0] = this.#begun.splice(0).join('') + lines[0];
    if (rest) this.#begun.push(rest);
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length) events.push({ event: this.#event, data: this.#data.join('\n') });
        this.#event = '';
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') this.#event = value;
      if (field === 'data') this.#data.push(value);
    }
    return events;
  }
}
