// How a page reads and writes. `useLive` is for what is shown whole: one object, a count, a short list. Lists that go on are
// `useLiveList`, in live-list.ts. `useAct` changes something.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { AnyVariables } from '@urql/core';
import { useCallback, useMemo } from 'react';
import { useClient, useQuery } from 'urql';
import { asFailure } from './errors';

/** The answer of a query with `@live`, and again whenever it changes. It goes on by itself after any failure of the line. */
export function useLive<Data, Variables extends AnyVariables>(
  query: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  { pause = false } = {},
) {
  const [result, again] = useQuery<Data, Variables>({ query, variables, pause } as never);
  const failure = useMemo(() => result.error && asFailure(result.error), [result.error]);
  return {
    data: result.data,
    failure,
    isLoading: result.fetching && !result.data,
    retry: useCallback(() => again({ requestPolicy: 'network-only' }), [again]),
  };
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
