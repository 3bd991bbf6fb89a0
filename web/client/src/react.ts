// Hooks: the state of the connection, the answer of a query that stays current, and the events of a subscription.
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import type { Client } from './client.ts';
import type { MillraceError } from './errors.ts';
import type { ConnectionState } from './status.ts';
import type { Operation, Result, StreamOptions } from './types.ts';

/** What to show of the connection. */
export function useConnection(client: Client): ConnectionState {
  const [subscribe, get] = useMemo(
    () => [(listener: () => void) => client.onState(listener), () => client.state] as const,
    [client],
  );
  return useSyncExternalStore(subscribe, get, get);
}

export interface LiveResult<Data> extends Result<Data> {
  /** Why there will be no more. */
  error?: MillraceError;
}

/** The newest answer of a live query, or event of a subscription; empty until there is one. */
export function useLive<Data>(
  client: Client,
  operation: Operation<Data>,
  options: StreamOptions = {},
): LiveResult<Data> {
  const latest = useLatest(options);
  const key = keyOf(operation);
  const [result, setResult] = useStateOf<LiveResult<Data>>(client, key, nothing);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the operation, which is another object each time
  useEffect(() => {
    const sink = {
      next: (result: Result<Data>) => setResult(() => result),
      error: (error: MillraceError) => setResult((last) => ({ ...last, error })),
      complete: () => {},
    };
    return client.run<Data>(operation, sink, newest(latest));
  }, [client, key]);
  return result;
}

/** Calls `onEvent` with each event of a subscription, once. Returns why there will be no more, when that is so. */
export function useEvents<Data>(
  client: Client,
  operation: Operation<Data>,
  onEvent: (result: Result<Data>) => void,
  options: StreamOptions = {},
): MillraceError | undefined {
  const handler = useLatest(onEvent);
  const latest = useLatest(options);
  const key = keyOf(operation);
  const [error, setError] = useStateOf<MillraceError | undefined>(client, key, undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the operation, which is another object each time
  useEffect(() => {
    const sink = {
      next: (result: Result<Data>) => handler.current(result),
      error: (error: MillraceError) => setError(() => error),
      complete: () => {},
    };
    return client.run<Data>(operation, sink, newest(latest));
  }, [client, key]);
  return error;
}

const nothing = {};

/** State of one operation. What another one left is not shown for it, not even in its first render. */
function useStateOf<T>(client: Client, key: string, none: T) {
  const [held, setHeld] = useState({ client, key, value: none });
  const valueIn = (it: typeof held) => (it.client === client && it.key === key ? it.value : none);
  const change = (to: (last: T) => T) =>
    setHeld((last) => ({ client, key, value: to(valueIn(last)) }));
  return [valueIn(held), change] as const;
}

function useLatest<T>(value: T) {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

/** Options that call what the component says when they are needed. Whether it says something counts as the stream begins. */
function newest(latest: { readonly current: StreamOptions }): StreamOptions {
  const { onGap, onPatch } = latest.current;
  return {
    ...(onGap && { onGap: (gap) => latest.current.onGap?.(gap) }),
    ...(onPatch && { onPatch: (patch) => latest.current.onPatch?.(patch) }),
  };
}

function keyOf({ query, variables, operationName }: Operation): string {
  const text =
    typeof query === 'object' && 'kind' in query
      ? (query.loc?.source.body ?? JSON.stringify(query))
      : String(query);
  return JSON.stringify([text, variables, operationName]);
}
