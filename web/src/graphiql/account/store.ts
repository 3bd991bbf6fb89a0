// Who is signed in, as the page shows it. The tokens are not here: see tokens.ts.
import { useSyncExternalStore } from 'react';

export type User = { id: string; name: string; role: string; email?: string | null };

export type Account =
  /** A session is being taken over from the page before a reload. */
  | { state: 'restoring' }
  | { state: 'signedOut'; notice?: string }
  /** The user is not known yet when a token came without one. */
  | { state: 'signedIn'; user?: User };

let account: Account = { state: 'signedOut' };
const listeners = new Set<() => void>();

export function readAccount(): Account {
  return account;
}

export function updateAccount(next: Account): void {
  account = next;
  for (const listener of listeners) listener();
}

export function useAccount(): Account {
  return useSyncExternalStore(subscribe, readAccount);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
