// A record by its id, live, whether it is deleted or not: the query of one record does not know what was deleted, that of the list does.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { useCallback } from 'react';
import { useClient } from 'urql';
import { asFailure } from '../../lib/errors';
import { useLive } from '../../lib/live';

/** Records with this id, deleted ones too. */
export const inAnyState = (id: string) => ({
  id: { eq: id },
  or: [{ deletedAt: { isNull: true } }, { deletedAt: { isNull: false } }],
});

type Filter = ReturnType<typeof inAnyState>;

export function useLiveRecord<Data, DeletedData, R extends { deletedAt?: string | null }>(
  id: string,
  byId: TypedDocumentNode<Data, { id: string }>,
  one: (data: Data) => R | null | undefined,
  deleted: TypedDocumentNode<DeletedData, { filter: Filter }>,
  oneDeleted: (data: DeletedData) => R | null | undefined,
) {
  const live = useLive(byId, { id });
  const known = live.data && (one(live.data) ?? null);
  const isGone = known !== undefined && (known === null || known.deletedAt != null);
  const gone = useLive(deleted, { filter: inAnyState(id) }, { pause: !isGone });
  const found = (isGone && gone.data && oneDeleted(gone.data)) || known;
  const isUnsure = isGone && !gone.data && !gone.failure;
  return {
    record: found ?? (isUnsure ? undefined : known),
    isLoading: live.isLoading || isUnsure,
    failure: live.failure ?? gone.failure,
    retry: live.retry,
  };
}

/** Reads something once, from the gateway. */
export function useRead() {
  const urql = useClient();
  return useCallback(
    async <Data, Variables extends Record<string, unknown>>(
      query: TypedDocumentNode<Data, Variables>,
      variables: Variables,
    ): Promise<Data> => {
      const { data, error } = await urql
        .query(query, variables, { requestPolicy: 'network-only' })
        .toPromise();
      if (data === undefined) throw asFailure(error ?? new Error('There was no answer'));
      return data;
    },
    [urql],
  );
}
