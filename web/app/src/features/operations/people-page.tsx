// Who is here and with how many sockets, and closing these; ending their sessions; deactivating and erasing.
import { Badge } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { Users } from 'lucide-react';
import { ClearFilters } from '../../components/clear-filters';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { type Column, RecordTable } from '../../components/record-table';
import { UserActions } from '../../components/records/user-actions';
import { userSorts, useUserList } from '../../components/records/users';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar } from '../../components/user-name';
import type { UserRowFragment } from '../../generated/graphql';
import { choiceOf, sortOf, useListSearch } from '../../lib/search';
import { OperationsFrame } from './frame';
import classes from './operations.module.css';
import { SocketsCell, SocketsShown, useSockets } from './sockets';

const here = { ONLINE: 'Online', AWAY: 'Away', BUSY: 'Busy', OFFLINE: 'Not here' };
const connections = 'UserConnected,UserDisconnected,UserSocketsClosed';

const columns: Column<UserRowFragment>[] = [
  {
    key: 'name',
    header: 'Name',
    sort: 'NAME',
    width: 'minmax(0, 2fr)',
    cell: (user) => (
      <Link to="/users/$id" params={{ id: user.id }}>
        <span className={classes.who}>
          <UserAvatar person={user} size={22} /> <span className="cut">{user.name}</span>
        </span>
      </Link>
    ),
  },
  {
    key: 'here',
    header: 'Here',
    width: '120px',
    cell: ({ availability, deactivatedAt }) =>
      deactivatedAt ? (
        <Badge size="sm" variant="light" tt="none" className={classes.failed}>
          Deactivated
        </Badge>
      ) : (
        here[availability]
      ),
  },
  {
    key: 'seen',
    header: 'Last seen',
    width: '120px',
    cell: ({ lastSeenAt, availability }) => {
      if (availability !== 'OFFLINE') return 'now';
      return lastSeenAt ? <RelativeTime at={lastSeenAt} /> : <span className="quiet">never</span>;
    },
  },
  {
    key: 'sockets',
    header: 'Sockets',
    width: '150px',
    isWide: true,
    cell: ({ id }) => <SocketsCell userId={id} />,
  },
  {
    key: 'actions',
    header: 'Actions',
    width: '72px',
    isNumber: true,
    cell: (user) => <UserActions user={user} label={`Actions for ${user.name}`} />,
  },
];

export function PeoplePage() {
  const { search, set } = useListSearch();
  const navigate = useNavigate();
  const sort = sortOf(search, userSorts, { field: 'NAME', direction: 'ASC' });
  const [state] = choiceOf(search.state, ['active', 'deactivated']);
  const filter = {
    ...(search.search && { search: search.search }),
    ...(state && { deactivatedAt: { isNull: state === 'active' } }),
  };
  const { list, shownIds, watchShown } = useUserList({ filter, sort });
  const sockets = useSockets(shownIds);
  return (
    <OperationsFrame
      actions={
        <Link
          to="/operations/log"
          search={{ type: connections } as never}
          className={classes.quietLink}
        >
          Who came and went
        </Link>
      }
    >
      <FilterBar
        noun="People"
        searchLabel="Search by name"
        filters={[
          {
            key: 'state',
            label: 'Account',
            kind: 'choice',
            isSingle: true,
            options: [
              { value: 'active', label: 'Active' },
              { value: 'deactivated', label: 'Deactivated' },
            ],
          },
        ]}
      />
      <SocketsShown value={sockets}>
        <RecordTable
          label="People and their connections"
          list={list}
          columns={columns}
          open={({ id }) => navigate({ to: '/users/$id', params: { id } })}
          sort={sort}
          onSort={(field) => set({ sort: field })}
          onShown={watchShown}
          empty={<EmptyState icon={Users} title="Nobody is like this" action={<ClearFilters />} />}
        />
      </SocketsShown>
    </OperationsFrame>
  );
}
