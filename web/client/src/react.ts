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
export function useLive<Data>(client: Client, operation: Operation<Data>): LiveResult<Data> {
  const [result, setResult] = useState<LiveResult<Data>>({});
  const key = keyOf(operation);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the operation, which is another object each time
  useEffect(() => {
    setResult({});
    return client.run<Data>(operation, {
      next: setResult,
      error: (error) => setResult((last) => ({ ...last, error })),
      complete: () => {},
    });
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
  const [error, setError] = useState<MillraceError>();
  const latest = useRef({ onEvent, options });
  useEffect(() => {
    latest.current = { onEvent, options };
  });
  const key = keyOf(operation);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the operation, which is another object each time
  useEffect(() => {
    setError(undefined);
    const sink = {
      next: (result: Result<Data>) => latest.current.onEvent(result),
      error: setError,
      complete: () => {},
    };
    const { onGap } = latest.current.options;
    return client.run<Data>(
      operation,
      sink,
      onGap ? { onGap: (gap) => latest.current.options.onGap?.(gap) } : {},
    );
  }, [client, key]);
  return error;
}

function keyOf({ query, variables, operationName }: Operation): string {
  const text =
    typeof query === 'object' && 'kind' in query
      ? (query.loc?.source.body ?? JSON.stringify(query))
      : String(query);
  return JSON.stringify([text, variables, operationName]);
}
