// The messages of a chat as far as they were read: a part without holes that ends with the newest, ordered by number.
//
// Pages, events and answers may come in any order, and an answer may be older than an event that came before it. A message only
// ever goes from sent to edited to deleted, so of two states the later one is known without a version. Numbers have no gaps:
// a page that does not reach what is here shows that something between them was not told, and takes its place.

export interface MessageState {
  id: string;
  number: number;
  text?: string | null | undefined;
  createdAt: string;
  editedAt?: string | null | undefined;
  deletedAt?: string | null | undefined;
  author: { id: string; name: string };
}

export interface Log<M extends MessageState> {
  /** Ascending by number. */
  messages: readonly M[];
  /** What was told of older ones that are not here: the page that has them may be older than that. */
  aside: ReadonlyMap<string, M>;
}

export const emptyLog = { messages: [], aside: new Map<string, never>() };
const mostAside = 500;

export function later<M extends MessageState>(a: M, b: M): M {
  if ((a.deletedAt == null) !== (b.deletedAt == null)) return a.deletedAt == null ? b : a;
  const [left, right] = [Date.parse(a.editedAt ?? ''), Date.parse(b.editedAt ?? '')];
  if (Number.isNaN(left)) return b;
  return right >= left ? b : a;
}

export function merged<M extends MessageState>(log: Log<M>, more: readonly M[]): Log<M> {
  const byId = new Map(log.messages.map((message) => [message.id, message]));
  for (const message of more) {
    const before = byId.get(message.id) ?? log.aside.get(message.id);
    byId.set(message.id, before ? later(before, message) : message);
  }
  return { ...log, messages: [...byId.values()].sort((a, b) => a.number - b.number) };
}

/** With the newest page, which replaces what it does not reach. */
export function withNewest<M extends MessageState>(log: Log<M>, page: readonly M[]): Log<M> {
  const first = Math.min(...page.map(({ number }) => number));
  const last = log.messages.at(-1)?.number ?? 0;
  return merged(first > last + 1 ? { ...log, messages: [] } : log, page);
}

/** With what an event told: a new message, or another state of one. */
export function told<M extends MessageState>(log: Log<M>, message: M): Log<M> {
  const isHere = log.messages.some(({ id }) => id === message.id);
  const isOlder = message.number < (log.messages[0]?.number ?? 0);
  if (isHere || !isOlder) return merged(log, [message]);
  const aside = new Map(log.aside).set(message.id, message);
  const [oldest] = aside.keys();
  if (aside.size > mostAside && oldest !== undefined) aside.delete(oldest);
  return { ...log, aside };
}

/**
 * The number of the first message that was not read: the last `count` of others that were not deleted are those. Undefined when
 * it was not loaded yet, or there is none.
 */
export function firstUnread(
  messages: readonly MessageState[],
  self: string | undefined,
  count: number,
): number | undefined {
  let left = count;
  if (left <= 0) return undefined;
  for (const { author, deletedAt, number } of messages.toReversed()) {
    if (author.id === self || deletedAt != null) continue;
    left -= 1;
    if (left === 0) return number;
  }
  return undefined;
}
