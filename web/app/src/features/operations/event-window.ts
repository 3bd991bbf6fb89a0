// Which part of the log a list shows: what was read by pages, and above it what came since. What comes is bounded; what its reader
// scrolls to is kept until they are at the top again. There is no hole: `before` is always the cursor behind the last row, and
// reading goes on from there.
//
// Events are taken from the buffer of the monitor, which is without holes and of which the oldest are dropped. As long as the last
// event that was taken is still in it, nothing was missed. Otherwise what is shown begins anew with the buffer, and what is older
// is read again when somebody scrolls to it. While the reader looks at something below or holds the list, its rows stay as they are,
// and what comes waits, within a bound of its own.
import type { LoggedEvent } from './monitor';

export type EventListRow = LoggedEvent & { id: string };

export interface EventPart {
  /** Newest first. */
  rows: readonly EventListRow[];
  /** Where the next page begins; null at the beginning of the log. */
  before: string | null;
}

const mostRows = 2_000;
const mostWaiting = 1_000;
const none: EventPart = { rows: [], before: null };

export class EventWindow {
  #shown: EventPart = none;
  /** What has come and is not shown. `before` is that of the rows below, unless something between was dropped. */
  #waiting: { rows: readonly EventListRow[]; before?: string } = { rows: [] };
  #arrived = 0;
  #isRead = false;
  #isStill: boolean;
  /** The position up to which the log is known. */
  #taken: number;
  readonly #matches: (event: LoggedEvent) => boolean;

  /** Pages must be read after this: `events` are the monitor's of now, and what comes later is taken. */
  constructor(
    events: readonly LoggedEvent[],
    matches: (event: LoggedEvent) => boolean,
    isStill = false,
  ) {
    this.#taken = events.at(-1)?.position ?? 0;
    this.#matches = matches;
    this.#isStill = isStill;
  }

  get shown(): EventPart {
    return this.#shown;
  }

  /** The first page is here. */
  get isRead(): boolean {
    return this.#isRead;
  }

  /** How many wait to be shown. */
  get arrived(): number {
    return this.#arrived;
  }

  /** The monitor's events, oldest first; returns those that are shown now and were not. */
  take(events: readonly LoggedEvent[]): readonly EventListRow[] {
    const [oldest] = events;
    const taken = this.#taken;
    if (!oldest || (events.at(-1)?.position ?? 0) <= taken) return [];
    const fresh = events
      .filter((event) => event.position > taken && this.#matches(event))
      .map((event) => ({ ...event, id: event.eventId }))
      .reverse();
    this.#taken = events.at(-1)?.position ?? taken;
    this.#waiting =
      oldest.position > taken
        ? { rows: fresh, before: oldest.cursor }
        : { ...this.#waiting, rows: [...fresh, ...this.#waiting.rows] };
    const dropped = cut(this.#waiting.rows, mostWaiting);
    if (dropped) this.#waiting = dropped;
    this.#arrived += fresh.length;
    if (!this.#isRead || this.#isStill) return [];
    this.show();
    return fresh;
  }

  /** What was read; `asked` is the `before` that it was read with. Another than the current one is of a part that has gone. */
  read(asked: string | null, page: EventPart): void {
    if (!this.#isRead) {
      const newest = page.rows[0]?.position ?? 0;
      if (this.#waiting.before === undefined)
        this.#waiting = { rows: this.#waiting.rows.filter(({ position }) => position > newest) };
      this.#arrived = this.#waiting.rows.length;
      this.#shown = page;
      this.#isRead = true;
      if (!this.#isStill) this.show();
    } else if (asked === this.#shown.before)
      this.#shown = { rows: [...this.#shown.rows, ...page.rows], before: page.before };
  }

  /** Whether the reader looks at something that must stay where it is. */
  stand(isStill: boolean): void {
    this.#isStill = isStill;
    if (!isStill && this.#isRead) this.show();
  }

  show(): void {
    const { rows, before } = this.#waiting;
    const joined =
      before === undefined
        ? { rows: [...rows, ...this.#shown.rows], before: this.#shown.before }
        : { rows, before };
    this.#shown = cut(joined.rows, mostRows) ?? joined;
    this.#waiting = { rows: [] };
    this.#arrived = 0;
  }
}

function cut(rows: readonly EventListRow[], most: number) {
  const last = rows[most - 1];
  return rows.length > most && last
    ? { rows: rows.slice(0, most), before: last.cursor }
    : undefined;
}
