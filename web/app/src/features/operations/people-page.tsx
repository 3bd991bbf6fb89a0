// Who is here, and closing their sockets; ending their sessions; deactivating and erasing.
import { ActionIcon, Badge, Menu } from '@mantine/core';
import { Link, useNavigate } from '@tanstack/react-router';
import { Ellipsis, Users } from 'lucide-react';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { type Column, RecordTable } from '../../components/record-table';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar } from '../../components/user-name';
import type { ConnectedUserFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { useLiveList } from '../../lib/live-list';
import { choiceOf, inOrder, sortOf, useListSearch } from '../../lib/search';
import { useSession } from '../../lib/session';
import { say, sayFailed } from '../../lib/toasts';
import { OperationsFrame } from './frame';
import classes from './operations.module.css';
import { useConfirm } from './use-confirm';

export const ConnectedUser = graphql(`
  fragment ConnectedUser on User { ...UserName version role createdAt lastSeenAt deactivatedAt }
`);
const ConnectedUsers = graphql(`
  query ConnectedUsers($first: Int!, $after: String, $filter: UserFilter, $sort: UserSort) {
    users(first: $first, after: $after, filter: $filter, sort: $sort) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...ConnectedUser }
    }
  }
`);
const ConnectedUserChanges = graphql(`
  subscription ConnectedUserChanges($after: String) {
    userChanged(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      user { ...ConnectedUser }
    }
  }
`);
const Disconnecting = graphql(`
  mutation DisconnectUser($input: DisconnectUserInput!) {
    disconnectUser(input: $input) { user { id } endedSessions }
  }
`);
const Deactivating = graphql(`
  mutation DeactivateConnectedUser($input: DeactivateUserInput!) {
    deactivateUser(input: $input) { user { ...ConnectedUser } }
  }
`);
const Erasing = graphql(`
  mutation EraseUserFromOperations($input: EraseUserInput!) {
    eraseUser(input: $input) { erasure { user { ...ConnectedUser } } }
  }
`);

const here = { ONLINE: 'Online', AWAY: 'Away', BUSY: 'Busy', OFFLINE: 'Not here' };
const connections = 'UserConnected,UserDisconnected,UserSocketsClosed';

const columns: Column<ConnectedUserFragment>[] = [
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
    key: 'actions',
    header: 'Actions',
    width: '72px',
    isNumber: true,
    cell: (user) => <Actions user={user} />,
  },
];

export function PeoplePage() {
  const { search, set } = useListSearch();
  const navigate = useNavigate();
  const sort = sortOf(search, ['CREATED_AT', 'NAME'], { field: 'NAME', direction: 'ASC' });
  const [state] = choiceOf(search.state, ['active', 'deactivated']);
  const filter = {
    ...(search.search && { search: search.search }),
    ...(state && { deactivatedAt: { isNull: state === 'active' } }),
  };
  const list = useLiveList({
    page: ConnectedUsers,
    connection: ({ users }) => users && { ...users, total: users.totalCount },
    changes: ConnectedUserChanges,
    change: ({ userChanged: { user, type, actor, occurredAt } }) => ({
      row: user,
      type,
      actor,
      at: occurredAt,
    }),
    filter,
    sort,
    compare: inOrder<ConnectedUserFragment>(sort.direction, (user) =>
      sort.field === 'NAME' ? user.name : user.createdAt,
    ),
  });
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
      <RecordTable
        label="People and their connections"
        list={list}
        columns={columns}
        open={({ id }) => navigate({ to: '/users/$id', params: { id } })}
        sort={sort}
        onSort={(field) => set({ sort: field })}
        empty={
          <EmptyState icon={Users} title="Nobody is like this">
            Remove a filter to see more people.
          </EmptyState>
        }
      />
    </OperationsFrame>
  );
}

function Actions({ user }: { user: ConnectedUserFragment }) {
  const { me } = useSession();
  const disconnect = useAct(Disconnecting);
  const deactivate = useAct(Deactivating);
  const erase = useAct(Erasing);
  const [dialog, ask] = useConfirm();
  const { id, name } = user;
  const isMe = me?.id === id;
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon aria-label={`Actions for ${name}`}>
            <Ellipsis size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            disabled={user.deactivatedAt != null}
            onClick={async () => {
              try {
                await disconnect({ input: { id, endSessions: false } });
                say(`The sockets of ${name} are closed. Their clients may come back.`);
              } catch (cause) {
                sayFailed(cause);
              }
            }}
          >
            Disconnect
          </Menu.Item>
          <Menu.Item
            disabled={user.deactivatedAt != null}
            onClick={() =>
              ask({
                title: `Sign ${name} out?`,
                text: `All sockets and sessions of ${name} end, on all devices${isMe ? ', also this one' : ''}. They have to sign in again.`,
                verb: 'Sign out everywhere',
                act: async () => {
                  const { disconnectUser } = await disconnect({ input: { id, endSessions: true } });
                  const ended = disconnectUser?.endedSessions ?? 0;
                  say(
                    `${name} is signed out: ${ended} ${ended === 1 ? 'session' : 'sessions'} ended.`,
                  );
                },
              })
            }
          >
            Sign out everywhere…
          </Menu.Item>
          <Menu.Divider />
          {user.deactivatedAt == null ? (
            <Menu.Item
              color="red"
              disabled={isMe}
              onClick={() =>
                ask({
                  title: `Deactivate ${name}?`,
                  text: `${name} is signed out everywhere and cannot sign in any more. What they wrote stays.`,
                  verb: 'Deactivate',
                  act: async () => {
                    await deactivate({ input: { id } });
                    say(`${name} is deactivated.`);
                  },
                })
              }
            >
              Deactivate…
            </Menu.Item>
          ) : (
            <Menu.Item
              color="red"
              onClick={() =>
                ask({
                  title: `Erase the data of ${name}?`,
                  text: 'Name, address, and what they wrote in chats, posts and comments are erased for good, also in the log and the archive. Nothing brings them back.',
                  verb: 'Erase for good',
                  word: name,
                  act: async () => {
                    await erase({ input: { id } });
                    say('The erasure has begun. Storage shows how far it is.');
                  },
                })
              }
            >
              Erase personal data…
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      {dialog}
    </>
  );
}
