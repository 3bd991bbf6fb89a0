// The list of users, with who is here.
import { getRouteApi, Link, useNavigate, useParams } from '@tanstack/react-router';
import { Users } from 'lucide-react';
import { ClearFilters } from '../../components/clear-filters';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { Page } from '../../components/page';
import { type Column, RecordTable } from '../../components/record-table';
import { StateCounts } from '../../components/records/state-counts';
import { StateMenu } from '../../components/records/state-menu';
import { userSorts, useUserList } from '../../components/records/users';
import { RelativeTime } from '../../components/relative-time';
import { UserName } from '../../components/user-name';
import type { UserRowFragment } from '../../generated/graphql';
import { useLive } from '../../lib/live';
import { choiceOf, sortOf, useListSearch } from '../../lib/search';
import { availabilities, roles, UserCounts } from './documents';

const roleValues = roles.map(({ value }) => value);
const route = getRouteApi('/users');

const columns: Column<UserRowFragment>[] = [
  {
    key: 'name',
    header: 'Name',
    sort: 'NAME',
    width: 'minmax(0, 2fr)',
    cell: (user) => (
      <Link to="/users/$id" params={{ id: user.id }} search preload={false}>
        <UserName person={user} size={22} />
      </Link>
    ),
  },
  {
    key: 'username',
    header: 'Username',
    sort: 'USERNAME',
    width: 'minmax(0, 1fr)',
    isWide: true,
    cell: ({ username }) => username && <span className="quiet cut">@{username}</span>,
  },
  {
    key: 'role',
    header: 'Role',
    width: 'minmax(0, 1fr)',
    cell: ({ role }) => <StateMenu options={roles} value={role} />,
  },
  {
    key: 'availability',
    header: 'Availability',
    width: 'minmax(0, 1fr)',
    cell: ({ availability, deactivatedAt }) =>
      deactivatedAt ? (
        <span className="quiet">Deactivated</span>
      ) : (
        <StateMenu options={availabilities} value={availability} />
      ),
  },
  {
    key: 'lastSeenAt',
    header: 'Last seen',
    width: '104px',
    isNumber: true,
    isWide: true,
    cell: ({ lastSeenAt, availability }) =>
      lastSeenAt && availability === 'OFFLINE' ? <RelativeTime at={lastSeenAt} /> : null,
  },
  {
    key: 'createdAt',
    header: 'Registered',
    sort: 'CREATED_AT',
    width: '104px',
    isNumber: true,
    cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
  },
];

export function UsersPage() {
  const { search, set } = useListSearch();
  const { id: openId } = useParams({ strict: false });
  const navigate = useNavigate();
  route.useMatch();
  const sort = sortOf(search, userSorts, { field: 'CREATED_AT', direction: 'DESC' });
  const role = choiceOf(search.role, roleValues);
  const areDeactivated = search.account === 'DEACTIVATED';
  const filter = {
    ...(search.search && { search: search.search }),
    ...(role.length > 0 && { role: { in: role } }),
    ...(areDeactivated && { deactivatedAt: { isNull: false } }),
  };
  const { list, watchShown } = useUserList({
    filter,
    sort,
    has: ({ deactivatedAt }) => (deactivatedAt != null) === areDeactivated,
  });
  const { data: counted } = useLive(UserCounts, {});
  const counts = counted?.userStatistics;
  return (
    <Page title="Users">
      <StateCounts
        param="role"
        options={roles}
        total={counts?.total}
        counts={new Map(counts?.byRole.map(({ role, count }) => [role, count]))}
      />
      <FilterBar
        noun="Users"
        searchLabel="Search by name or username"
        filters={[
          { key: 'role', label: 'Role', kind: 'choice', options: roles },
          {
            key: 'account',
            label: 'Account',
            kind: 'choice',
            options: [{ value: 'DEACTIVATED', label: 'Deactivated' }],
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
        onShown={watchShown}
        empty={<EmptyState icon={Users} title="Nobody is like this" action={<ClearFilters />} />}
      />
    </Page>
  );
}
