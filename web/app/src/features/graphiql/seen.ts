// What this page has seen so far: what came of the operation that runs, the cursors, the token of the last mutation, and the last
// customer, user, chat, post and signal that responses carried. Transport writes it; the examples, the list of what came and the
// hint read it. Kept in memory only, and forgotten when the page is left or another person signs in.
import type { FormattedError, IssuedSession, Result } from '@millrace/client';
import { useSyncExternalStore } from 'react';

/** One result of a subscription or a live query. */
export interface Arrival {
  number: number;
  at: Date;
  result: Result;
  /** What changed, where the gateway sent that in place of the whole. */
  patch?: readonly PatchStep[];
}

export interface PatchStep {
  op: string;
  path: string;
  value?: unknown;
}

export interface Seen {
  /** Of the operation that runs; newest last, not more than are shown. */
  arrivals: readonly Arrival[];
  /** How many came in all. */
  events: number;
  /** The first cursor any response carried: where the log stood when the page was opened. */
  openingCursor?: string;
  /** The cursor of the latest response or event. */
  cursor?: string;
  /** What names the last mutation to queries that are to show it. */
  readAfter?: string;
  customer?: { id: string; version: number };
  /** Who is signed in. */
  selfId?: string | undefined;
  /** Somebody else than that. */
  otherUserId?: string;
  chatId?: string;
  postId?: string;
  signalId?: string;
  /** Why the operation that ran last was refused. */
  refusal?: FormattedError | undefined;
  /** A session that the operation that ran last began. */
  issued?: { session: IssuedSession; userId: string; name: string } | undefined;
}

const mostArrivals = 200;
const nothing: Seen = { arrivals: [], events: 0 };

let seen = nothing;
const listeners = new Set<() => void>();

export const readSeen = () => seen;

export function updateSeen(change: Partial<Seen>): void {
  seen = { ...seen, ...change };
  for (const listener of listeners) listener();
}

export function forgetSeen(): void {
  seen = nothing;
  updateSeen({});
}

export function useSeen(): Seen {
  return useSyncExternalStore(subscribe, readSeen);
}

export function addArrival(result: Result, patch: Arrival['patch']): void {
  const events = seen.events + 1;
  const arrival = { number: events, at: new Date(), result, ...(patch && { patch }) };
  updateSeen({ events, arrivals: [...seen.arrivals, arrival].slice(-mostArrivals) });
}

/** Keeps what a response shows that a later example can use. */
export function rememberResponse({ data, extensions }: Result): void {
  const { cursor, readAfter } = extensions ?? {};
  const customer = findObject(
    data,
    (id, object) => id.startsWith('customer_') && typeof object.version === 'number',
  );
  const otherUser = findObject(data, (id) => id.startsWith('user_') && id !== seen.selfId);
  const chat = findObject(data, (id) => id.startsWith('chat_'));
  const post = findObject(data, (id) => id.startsWith('post_'));
  const signal = findObject(data, (id) => id.startsWith('signal_'));
  updateSeen({
    ...(typeof cursor === 'string' && {
      cursor,
      openingCursor: seen.openingCursor ?? cursor,
    }),
    ...(typeof readAfter === 'string' && { readAfter }),
    ...(customer && { customer: customer as Seen['customer'] & object }),
    ...(otherUser && { otherUserId: otherUser.id }),
    ...(chat && { chatId: chat.id }),
    ...(post && { postId: post.id }),
    ...(signal && { signalId: signal.id }),
  });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

type Identified = { id: string; version?: unknown };

/** The first object in the data whose id is one that is looked for, depth first: the topmost shown. */
function findObject(
  value: unknown,
  isWanted: (id: string, object: Identified) => boolean,
): Identified | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const object = value as Identified;
  if (typeof object.id === 'string' && isWanted(object.id, object)) return object;
  for (const child of Object.values(value)) {
    const found = findObject(child, isWanted);
    if (found) return found;
  }
  return undefined;
}
