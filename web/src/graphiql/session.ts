// What this page has seen so far: the state of its socket, the cursors, the token of the last mutation, and the last
// customer, user, chat, post and signal that responses carried. Transport writes it; the examples, the status line and the hint
// read it. Kept in memory only, so closing the page forgets it.
import { useSyncExternalStore } from 'react';
import type { Refusal } from './account/refusal';
import { readAccount } from './account/store';

export type SocketState = 'idle' | 'connecting' | 'connected' | 'retrying';

export type Session = {
  socket: SocketState;
  /** Events received by the subscription that ran last. */
  events: number;
  /** The first cursor any response carried: where the log stood when the page was opened. */
  openingCursor?: string;
  /** The cursor of the latest response or event. */
  cursor?: string;
  /** What names the last mutation to queries that are to show it. */
  readAfter?: string;
  customer?: { id: string; version: number };
  /** Somebody else than who is signed in. */
  otherUserId?: string;
  chatId?: string;
  postId?: string;
  signalId?: string;
  /** Why the operation that ran last was refused. */
  refusal?: Refusal | undefined;
};

let session: Session = { socket: 'idle', events: 0 };
const listeners = new Set<() => void>();

export function readSession(): Session {
  return session;
}

export function updateSession(change: Partial<Session>): void {
  session = { ...session, ...change };
  for (const listener of listeners) listener();
}

export function useSession(): Session {
  return useSyncExternalStore(subscribe, readSession);
}

/** Keeps what a response shows that a later example can use. Returns its cursor. */
export function rememberResponse(response: unknown): string | undefined {
  const cursor = extensionOf(response, 'cursor');
  const readAfter = extensionOf(response, 'readAfter');
  const data = isRecord(response) ? response.data : undefined;
  const account = readAccount();
  const self = account.state === 'signedIn' ? account.user?.id : undefined;
  const customer = findObject(
    data,
    (id, object) => id.startsWith('customer_') && typeof object.version === 'number',
  );
  const otherUser = findObject(data, (id) => id.startsWith('user_') && id !== self);
  const chat = findObject(data, (id) => id.startsWith('chat_'));
  const post = findObject(data, (id) => id.startsWith('post_'));
  const signal = findObject(data, (id) => id.startsWith('signal_'));
  updateSession({
    ...(cursor && { cursor, openingCursor: session.openingCursor ?? cursor }),
    ...(readAfter && { readAfter }),
    ...(customer && { customer: customer as Session['customer'] & object }),
    ...(otherUser && { otherUserId: otherUser.id }),
    ...(chat && { chatId: chat.id }),
    ...(post && { postId: post.id }),
    ...(signal && { signalId: signal.id }),
  });
  return cursor;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function extensionOf(response: unknown, name: string): string | undefined {
  if (!isRecord(response) || !isRecord(response.extensions)) return undefined;
  const value = response.extensions[name];
  return typeof value === 'string' ? value : undefined;
}

type Identified = { id: string; version?: unknown };

/** The first object in the data whose id is one that is looked for, depth first: the topmost shown. */
function findObject(
  value: unknown,
  isWanted: (id: string, object: Identified) => boolean,
): Identified | undefined {
  if (!isRecord(value) && !Array.isArray(value)) return undefined;
  const object = value as Identified;
  if (typeof object.id === 'string' && isWanted(object.id, object)) return object;
  for (const child of Object.values(value)) {
    const found = findObject(child, isWanted);
    if (found) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
