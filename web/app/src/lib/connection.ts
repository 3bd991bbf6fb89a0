// The state of the line, and what became of it lately: when it was lost, for how long, and how much was caught up on.
import type { ConnectionState } from '@millrace/client';
import { useSyncExternalStore } from 'react';
import { millrace } from './millrace';

export interface Interruption {
  at: string;
  seconds: number;
  caughtUp: number;
}

export interface Connection {
  state: ConnectionState;
  /** Newest first. */
  interruptions: readonly Interruption[];
}

const most = 5;
let lostAt: number | undefined;
let connection: Connection = { state: millrace.state, interruptions: [] };
const listeners = new Set<() => void>();

function changed(): void {
  let { state } = millrace;
  let { interruptions } = connection;
  const { status, caughtUp, transport } = state;
  const isLost = status === 'offline' || (status === 'resuming' && transport === undefined);
  if (isLost) lostAt ??= Date.now();
  else if (status === 'live' || status === 'idle') {
    if (lostAt !== undefined) {
      const seconds = Math.max(Math.round((Date.now() - lostAt) / 1_000), 1);
      const latest = { at: new Date(lostAt).toISOString(), seconds, caughtUp };
      interruptions = [latest, ...interruptions].slice(0, most);
    }
    lostAt = undefined;
  } else if (status === 'resuming' && lostAt === undefined) {
    // A list that was just opened hears what came after its first page: no line was lost.
    state = { ...state, status: 'live' };
  }
  connection = { state, interruptions };
  for (const listener of listeners) listener();
}
millrace.onState(changed);

function useAll(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connection,
  );
}

export const useConnection = () => useAll().state;
export const useInterruptions = () => useAll().interruptions;
