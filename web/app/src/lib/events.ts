// Events of this moment, for what only they tell: news, who types. What tells how things are is `useCurrent`, or a live query.
//
// A stream may end: its cursor is not known any more after a long sleep, or the gateway failed. It begins anew with the present
// then; what came between is in the live queries beside it.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { Operation } from '@millrace/client';
import type { AnyVariables } from '@urql/core';
import { useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { onEnd, pipe, subscribe } from 'wonka';
import { asFailure, passing, retryMs } from './errors';
import { millrace } from './millrace';

/** A failure that is the gateway's own has been tried again by the client already. */
const failedMs = 10 * retryMs;

/** After how long another try makes sense; never while nobody is signed in, or where it is not allowed. */
function againAfter(code: string): number | undefined {
  if (code.startsWith('CURSOR_') || passing.has(code)) return retryMs;
  return code === 'INTERNAL' ? failedMs : undefined;
}

/** Begins, and again when it has ended and that makes sense; returns what ends that. */
export function goOn(begin: (ended: (code: string) => void) => () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = () => {};
  const start = () => {
    stop = begin((code) => {
      const ms = againAfter(code);
      if (ms !== undefined) timer = setTimeout(start, ms);
    });
  };
  start();
  return () => {
    clearTimeout(timer);
    stop();
  };
}

/** Hands on each event from now on, past the cache; returns what ends that. */
export function follow<Data>(
  operation: Operation<Data>,
  onEvent: (data: Data) => void,
): () => void {
  return goOn((ended) =>
    millrace.run<Data>(operation, {
      next: ({ data }) => {
        if (data) onEvent(data);
      },
      error: ({ code }) => ended(code),
      complete: () => ended('UNAVAILABLE'),
    }),
  );
}

/** Calls `onEvent` with each event, as long as the component is there and somebody is signed in. */
export function useEvents<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  onEvent: (data: Data) => void,
): void {
  // Another session has another client.
  const urql = useClient();
  const latest = useRef(onEvent);
  latest.current = onEvent;
  const key = JSON.stringify(variables);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the variables, which are another object each time
  useEffect(
    () => follow({ query, variables: { ...variables } }, (data: Data) => latest.current(data)),
    [urql, query, key],
  );
}

/** The newest event of a subscription to how something is, by way of the cache. `onData` is told of each, where many come at once. */
export function useCurrent<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { pause = false, onData }: { pause?: boolean; onData?: (data: Data) => void } = {},
): Data | undefined {
  const urql = useClient();
  const latest = useRef(onData);
  latest.current = onData;
  const [data, setData] = useState<Data>();
  const key = JSON.stringify(variables);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the variables, which are another object each time
  useEffect(() => {
    if (pause) return;
    return goOn((ended) => {
      let code = 'UNAVAILABLE';
      let isStopped = false;
      const { unsubscribe } = pipe(
        urql.subscription<Data, Variables>(query, variables),
        onEnd(() => {
          if (!isStopped) ended(code);
        }),
        subscribe(({ data, error, hasNext }) => {
          if (data) {
            setData(data);
            latest.current?.(data);
          }
          // One that could not be read ends nothing.
          if (error && !hasNext) code = asFailure(error).code;
        }),
      );
      return () => {
        isStopped = true;
        unsubscribe();
      };
    });
  }, [urql, query, key, pause]);
  return data;
}
