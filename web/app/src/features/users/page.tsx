// The pattern of a list: a page query, its subscription, and how the list is sorted and filtered. See README.md.
import { Badge } from '@mantine/core';
import { getRouteApi, Link, useNavigate, useParams } from '@tanstack/react-router';
import { Users } from 'lucide-react';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { Page } from '../../components/page';
import { type Column, RecordTable } from '../../components/record-table';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar } from '../../components/user-name';
import type { UserRowFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLiveList } from '../../lib/live-list';
import { choiceOf, inOrder, sortOf, useListSearch } from '../../lib/search';

export const UserRow = graphql(`
  fragment UserRow on User { ...UserName version role createdAt lastSeenAt }
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

const roles = ['MEMBER', 'STAFF', 'ADMIN'] as const;
const roleNames = { MEMBER: 'Member', STAFF: 'Staff', ADMIN: 'Administrator' };
const route = getRouteApi('/users');

const columns: Column<UserRowFragment>[] = [
  {
    key: 'name',
    header: 'Name',
    sort: 'NAME',
    width: 'minmax(0, 2fr)',
    cell: (user) => (
      <Link to="/users/$id" params={{ id: user.id }} search>
        <span style={{ display: 'inline-flex', gap: 8, alignItems: 'center' }}>
          <UserAvatar person={user} size={22} /> {user.name}
        </span>
      </Link>
    ),
  },
  {
    key: 'role',
    header: 'Role',
    width: '140px',
    cell: ({ role }) => (
      <Badge variant={role === 'MEMBER' ? 'default' : 'light'} size="sm" tt="none">
        {roleNames[role]}
      </Badge>
    ),
  },
  {
    key: 'createdAt',
    header: 'Registered',
    sort: 'CREATED_AT',
    width: '120px',
    cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
  },
];

export function UsersPage() {
  const { search, set } = useListSearch();
  const { id: openId } = useParams({ strict: false });
  const navigate = useNavigate();
  route.useMatch();
  const sort = sortOf(search, ['CREATED_AT', 'NAME'], { field: 'CREATED_AT', direction: 'DESC' });
  const role = choiceOf(search.role, roles);
  const filter = {
    ...(search.search && { search: search.search }),
    ...(role.length > 0 && { role: { in: role } }),
  };
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
    compare: inOrder<UserRowFragment>(sort.direction, (user) =>
      sort.field === 'NAME' ? user.name : user.createdAt,
    ),
  });
  return (
    <Page title="Users">
      <FilterBar
        noun="Users"
        searchLabel="Search by name"
        filters={[
          {
            key: 'role',
            label: 'Role',
            kind: 'choice',
            options: roles.map((value) => ({ value, label: roleNames[value] })),
          },
        ]}
      />
      <RecordTable
        label="Users"
        list={list}
        columns={columns}
        open={({ id }) => navigate({ to: '/users/$id', params: { id }, search: true })}
        openId={openId}
        sort={sort}
        onSort={(field) => set({ sort: field })}
        empty={
          <EmptyState icon={Users} title="Nobody is like this">
            Remove a filter to see more people.
          </EmptyState>
        }
      />
    </Page>
  );
}
