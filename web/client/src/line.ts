// What all streams of a client share: the wires, the back-off, and the choice between the wires.
//
// A socket is tried first. When one did not open, a POST is sent. When that was answered and the next socket does not open
// either, something in between does not let sockets through, and event streams take over. A gateway that is only down
// answers no POST, so it is not taken for that. After some minutes a stream that begins tries a socket again.
import { type Bounds, SharedBackoff } from './backoff.ts';
import { EventStreams } from './event-stream.ts';
import type { Requests } from './requests.ts';
import type { Sessions } from './session.ts';
import { Sockets } from './sockets.ts';
import type { Status } from './status.ts';
import type { Options } from './types.ts';
import type { Wire } from './wire.ts';

const withoutSocketsMs = 5 * 60_000;
/** A line that held for so long was a good one. */
const steadyMs = 5_000;

export interface Attempt {
  wire: Wire;
  /** What the failure of this attempt is reported with. */
  generation: number;
}

export class Line {
  readonly #backoff: SharedBackoff;
  readonly #sockets: Sockets | undefined;
  readonly #streams: EventStreams;
  readonly #requests: Requests;
  readonly #isFixed: boolean;
  #generation = 0;
  #openedIn = -1;
  #openedAt = 0;
  #openStreams = 0;
  /** A POST was answered after the last socket that did not open. */
  #isProved = false;
  #withoutSocketsUntil = 0;

  constructor(
    options: Options,
    bounds: Bounds,
    sessions: Sessions,
    requests: Requests,
    status: Status,
  ) {
    this.#backoff = new SharedBackoff(bounds);
    this.#requests = requests;
    const { url, transport = 'auto', webSocketImpl } = options;
    const opened = (name: Wire['transport'], tookMs: number) => {
      this.#openedIn = this.#generation;
      this.#openedAt = Date.now();
      status.opened(name, tookMs);
    };
    this.#streams = new EventStreams({ url, fetch: options.fetch ?? fetch }, sessions, requests, {
      opened: (tookMs) => {
        this.#openStreams += 1;
        opened('event-stream', tookMs);
      },
      closed: () => {
        this.#openStreams -= 1;
        if (this.#openStreams === 0) status.lost();
      },
    });
    const hasSockets = typeof (webSocketImpl ?? globalThis.WebSocket) === 'function';
    if (transport === 'websocket' || (transport === 'auto' && hasSockets))
      this.#sockets = new Sockets(url, webSocketImpl, sessions, {
        opened: (tookMs) => {
          this.#isProved = false;
          opened('websocket', tookMs);
        },
        closed: () => status.lost(),
      });
    this.#isFixed = transport !== 'auto';
    sessions.on((change) => {
      if (change === 'renewed') this.#sockets?.renewed();
      // A socket belongs to one user. When a session ends by itself, the gateway ends what ran under it, and says so. Whoever leaves
      // is shown nothing more, also when the gateway could not be told.
      if (change !== 'begun' && change !== 'left') return;
      this.reset();
      this.#backoff.restart();
    });
  }

  /** Waits until an attempt is due. */
  async begin(): Promise<Attempt> {
    this.#generation = await this.#backoff.ready();
    return { wire: this.#choose(), generation: this.#generation };
  }

  /** Reports that the line of an attempt was lost, or was not made. */
  failed({ wire, generation }: Attempt, atLeastMs = 0): void {
    const wasOpen = this.#openedIn === generation;
    if (wasOpen && Date.now() - this.#openedAt > steadyMs) this.#backoff.succeeded();
    if (!this.#backoff.failed(generation, atLeastMs) || wasOpen) return;
    if (wire === this.#streams) this.#withoutSocketsUntil = 0;
    else if (this.#isProved && !this.#isFixed)
      this.#withoutSocketsUntil = Date.now() + withoutSocketsMs;
    void this.#prove();
  }

  /** An event came: whatever failed before is over. */
  progressed(): void {
    this.#backoff.succeeded();
  }

  /** There may be a network again, or another one. */
  wake(): void {
    this.#backoff.hurry();
    this.#sockets?.probe();
    this.#streams.probe();
  }

  reset(): void {
    this.#sockets?.reset();
    this.#streams.reset();
  }

  close(): void {
    this.#sockets?.close();
    this.#streams.close();
    this.#backoff.restart();
  }

  #choose(): Wire {
    if (!this.#sockets || Date.now() < this.#withoutSocketsUntil) return this.#streams;
    return this.#sockets;
  }

  async #prove(): Promise<void> {
    this.#isProved = await this.#requests.cursor().then(
      ({ result }) => result.extensions?.cursor !== undefined,
      () => false,
    );
  }
}
