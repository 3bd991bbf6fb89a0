// What stands in a conversation, line by line: days, the place up to which it was read, messages by author, and those of the
// reader that are not sent yet.
import type { MessageState } from './messages';
import type { Outgoing } from './outgoing';

export type Line<M extends MessageState> =
  | { kind: 'start'; key: string }
  | { kind: 'day'; key: string; at: string }
  | { kind: 'unread'; key: string }
  | { kind: 'message'; key: string; message: M; isFirst: boolean }
  | { kind: 'outgoing'; key: string; outgoing: Outgoing; isFirst: boolean };

/** Messages of one author stand under one name as long as less than this is between them. */
const groupMs = 5 * 60_000;

export function linesOf<M extends MessageState>(
  messages: readonly M[],
  outgoing: readonly Outgoing[],
  {
    self,
    hasOlder,
    unreadFrom,
  }: { self: string | undefined; hasOlder: boolean; unreadFrom: number | undefined },
): Line<M>[] {
  const lines: Line<M>[] = hasOlder ? [] : [{ kind: 'start', key: 'start' }];
  let last: { author: string | undefined; at: number; day: string } | undefined;
  let isUnreadShown = false;
  const begin = (author: string | undefined, at: string): boolean => {
    const [time, day] = [Date.parse(at), new Date(at).toDateString()];
    if (day !== last?.day) {
      lines.push({ kind: 'day', key: `day ${day}`, at });
      last = undefined;
    }
    const isFirst = !last || last.author !== author || time - last.at > groupMs;
    last = { author, at: time, day };
    return isFirst;
  };
  for (const message of messages) {
    if (!isUnreadShown && unreadFrom !== undefined && message.number >= unreadFrom) {
      isUnreadShown = true;
      // A day that begins here stands above it.
      const day = new Date(message.createdAt).toDateString();
      if (last?.day !== day) begin(undefined, message.createdAt);
      lines.push({ kind: 'unread', key: 'unread' });
      last = { author: undefined, at: 0, day };
    }
    const isFirst = begin(message.author.id, message.createdAt);
    lines.push({ kind: 'message', key: message.id, message, isFirst });
  }
  for (const each of notYetIn(messages, outgoing, self)) {
    const isFirst = begin(self, each.at);
    lines.push({ kind: 'outgoing', key: each.key, outgoing: each, isFirst });
  }
  return lines;
}

/** Without the one that is sent now. Those behind it in its chat are sent after it, so its message is not theirs, whatever their text. */
export function withoutSent(
  outgoing: readonly Outgoing[],
  key: string,
  message: { number: number } | null | undefined,
): Outgoing[] {
  const place = outgoing.findIndex((each) => each.key === key);
  const chatId = outgoing[place]?.chatId;
  const number = message?.number ?? 0;
  return outgoing.flatMap((each, at) => {
    if (at === place) return [];
    const isBehind = at > place && each.chatId === chatId && each.after < number;
    return [isBehind ? { ...each, after: number } : each];
  });
}

/**
 * Without those whose message is there already, because its event was faster than its answer. They are sent in their order, so
 * the first own message with that text, after those that were there when it was written, is it.
 */
function notYetIn(
  messages: readonly MessageState[],
  outgoing: readonly Outgoing[],
  self: string | undefined,
): Outgoing[] {
  const taken = new Set<string>();
  return outgoing.filter(({ state, text, after }) => {
    if (state === 'refused') return true;
    const found = messages.find(
      (message) =>
        message.number > after &&
        message.author.id === self &&
        message.text === text &&
        !taken.has(message.id),
    );
    if (found) taken.add(found.id);
    return !found;
  });
}
