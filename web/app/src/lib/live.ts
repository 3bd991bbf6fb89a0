// How a page reads and writes. `useLive` is for what is shown whole: one object, a count, a short list. Lists that go on are
// `useLiveList`, in live-list.ts. `useAct` changes something.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { AnyVariables } from '@urql/core';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import { useClient, useQuery } from 'urql';
import { asFailure, passing, retryMs } from './errors';

/**
 * The answer of a query with `@live`, and again whenever it changes. It goes on by itself after any failure of the line. What is
 * shown stays while it fails in passing.
 */
export function useLive<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { pause = false } = {},
) {
  const [result, again] = useQuery<Data, Variables>({ query, variables, pause } as never);
  const failure = useMemo(() => result.error && asFailure(result.error), [result.error]);
  const isNothing = failure !== undefined && isEmpty(result.data);
  const mayPass = isNothing && passing.has(failure.code);
  const key = JSON.stringify(variables);
  const last = useRef<{ key: string; data: Data | undefined }>(undefined);
  // While it is asked with other variables, the answer is that of before.
  if (!isNothing && !result.fetching) last.current = { key, data: result.data };
  const known = mayPass && last.current?.key === key ? last.current.data : undefined;
  const data = isNothing ? known : result.data;
  const retry = useCallback(() => again({ requestPolicy: 'network-only' }), [again]);
  useEffect(() => {
    if (!mayPass || pause) return;
    const timer = setInterval(retry, retryMs);
    return () => clearInterval(timer);
  }, [mayPass, pause, retry]);
  return { data, failure, isLoading: result.fetching && !data, retry };
}

/** Whether all that was asked for is null, which says nothing where there are errors: not that it does not exist. */
export function isEmpty(data: unknown): boolean {
  return Object.values(data ?? {}).every((value) => value === null);
}

/**
 * Returns a function that sends a mutation once, however often it has to be repeated, and throws a `MillraceError` when it is
 * refused. With `queue` it waits until the gateway can be reached, also in a tab that is closed meanwhile.
 */
export function useAct<Data, Variables extends AnyVariables>(
  mutation: TypedDocumentNode<Data, Variables>,
  { queue = false } = {},
): (variables: Variables) => Promise<Data> {
  const urql = useClient();
  return useCallback(
    async (variables) => {
      const result = await urql.mutation<Data, Variables>(mutation, variables, { queue });
      if (result.error) throw asFailure(result.error);
      return result.data as Data;
    },
    [urql, mutation, queue],
  );
}
