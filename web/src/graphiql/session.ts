// What this page has seen so far: the state of its socket, the cursors and the last customer that
// responses carried. Transport writes it; the examples and the status line read it. Kept in memory
// only, so closing the page forgets it.
import { useSyncExternalStore } from 'react';

export type SocketState = 'idle' | 'connecting' | 'connected' | 'retrying';

export type Session = {
  socket: SocketState;
  /** Events received by the subscription that ran last. */
  events: number;
  /** The first cursor any response carried: where the log stood when the page was opened. */
  openingCursor?: string;
  /** The cursor of the latest response or event. */
  cursor?: string;
  customer?: { id: string; version: number };
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
  const cursor = cursorOf(response);
  const customer = findCustomer(isRecord(response) ? response.data : undefined);
  updateSession({
    ...(cursor && { cursor, openingCursor: session.openingCursor ?? cursor }),
    ...(customer && { customer }),
  });
  return cursor;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function cursorOf(response: unknown): string | undefined {
  if (!isRecord(response) || !isRecord(response.extensions)) return undefined;
  const { cursor } = response.extensions;
  return typeof cursor === 'string' ? cursor : undefined;
}

/** The first customer in the data, depth first: the one shown on top. */
function findCustomer(value: unknown): Session['customer'] {
  if (!isRecord(value) && !Array.isArray(value)) return undefined;
  const { id, version } = value as Record<string, unknown>;
  if (typeof id === 'string' && id.startsWith('customer_') && typeof version === 'number') {
    return { id, version };
  }
  for (const child of Object.values(value)) {
    const found = findCustomer(child);
    if (found) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
