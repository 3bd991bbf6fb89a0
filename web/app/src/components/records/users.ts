// Users as a live list, for the page of all and for that of their connections.
import { useCallback, useMemo, useState } from 'react';
import type { UserRowFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLaidOver } from '../../lib/laid-over';
import { useLiveList } from '../../lib/live-list';
import { inOrder, type Sort } from '../../lib/search';
import { mostPresent, usePresence } from '../presence';
import '../user-name';

export const UserRow = graphql(`
  fragment UserRow on User {
    ...UserName
    username
    version
    role
    createdAt
    lastSeenAt
    deactivatedAt
  }
`);
const UserPage = graphql(`
  query UserPage($first: Int!, $after: String, $filter: UserFilter, $sort: UserSort) {
    users(first: $first, after: $after, filter: $filter, sort: $sort) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...UserRow }
    }
  }
`);
const UserChanges = graphql(`
  subscription UserChanges($after: String) {
    userChanged(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      user { ...UserRow }
    }
  }
`);

const sorted: Record<string, (user: UserRowFragment) => string> = {
  CREATED_AT: ({ createdAt }) => createdAt,
  NAME: ({ name }) => name,
  USERNAME: ({ username }) => username ?? '',
};
/** What they can be sorted by. */
export const userSorts = Object.keys(sorted);

export function useUserList({
  filter,
  sort,
  has,
}: {
  filter: object;
  sort: Sort;
  has?: (user: UserRowFragment) => boolean;
}) {
  const list = useLiveList({
    page: UserPage,
    connection: ({ users }) => users && { ...users, total: users.totalCount },
    changes: UserChanges,
    change: ({ userChanged: { user, type, actor, occurredAt } }) => ({
      row: user,
      type,
      actor,
      at: occurredAt,
    }),
    filter,
    sort,
    compare: inOrder<UserRowFragment>(sort.direction, sorted[sort.field] ?? (({ id }) => id)),
    ...(has && { has }),
  });
  const { shownIds, watchShown } = useShown(list.rows);
  // Who comes and goes is no change of a user.
  const rows = useLaidOver(list.rows, usePresence(shownIds));
  return { list: useMemo(() => ({ ...list, rows }), [list, rows]), shownIds, watchShown };
}

/** The ids of those in view, and what is to be told which rows these are. */
function useShown(rows: readonly UserRowFragment[]) {
  const [start, setStart] = useState(0);
  const ids = useMemo(
    () => rows.slice(start, start + mostPresent).map(({ id }) => id),
    [rows, start],
  );
  const key = ids.toSorted().join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same people in another order are the same
  const shownIds = useMemo(() => ids, [key]);
  const watchShown = useCallback((first: number) => setStart(Math.floor(first / 50) * 50), []);
  return { shownIds, watchShown };
}
