// A user beside the list. Administrators give roles, end sessions, deactivate, and erase.
import { getRouteApi } from '@tanstack/react-router';
import { UserX } from 'lucide-react';
import { useCallback } from 'react';
import { EmptyState } from '../../components/empty-state';
import { Failed } from '../../components/failed';
import { Notice } from '../../components/notice';
import { Lines, Pane } from '../../components/page';
import { Facts } from '../../components/records/facts';
import { useRead } from '../../components/records/live-record';
import { RecordHistory } from '../../components/records/record-history';
import { StateMenu } from '../../components/records/state-menu';
import { UserActions } from '../../components/records/user-actions';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar } from '../../components/user-name';
import type { Role } from '../../generated/graphql';
import { useAct, useLive } from '../../lib/live';
import { useSession } from '../../lib/session';
import { useWish } from '../../lib/wish';
import { availabilities, fields, roles, SetRole, UserDetails, UserHistory } from './documents';
import classes from './users.module.css';
import { verbs } from './verbs';

const route = getRouteApi('/users/$id');

export function UserDetail() {
  const { id } = route.useParams();
  const { me, isFor } = useSession();
  const read = useRead();
  const setRole = useAct(SetRole);
  const withHistory = isFor('staff') || me?.id === id;
  const { data, failure, isLoading, retry } = useLive(UserDetails, { id, withHistory });
  const user = data?.user;
  const act = useCallback(
    async (role: Role | undefined) => role && setRole({ input: { id, role } }),
    [setRole, id],
  );
  const [role, giveRole] = useWish(`role:${id}`, user?.role, act);
  const isManaged = isFor('admin') && user != null;
  return (
    <Pane
      title={user?.name ?? 'User'}
      to="/users"
      actions={isManaged && <UserActions user={user} label="Manage the account" />}
    >
      {failure && !data && <Failed error={failure} retry={retry} />}
      {isLoading && !failure && <Lines />}
      {data && !user && (
        <EmptyState icon={UserX} title="There is no such user">
          The address may be mistyped.
        </EmptyState>
      )}
      {user && (
        <div className={classes.detail}>
          {user.deactivatedAt && (
            <Notice tone="bad" title="This account is deactivated">
              <RelativeTime at={user.deactivatedAt} />
            </Notice>
          )}
          <div className={classes.head}>
            <UserAvatar person={user} size={48} />
            <div>
              <strong dir="auto">{user.name}</strong>
              {user.username && <div className="quiet">@{user.username}</div>}
              {user.email && <div className="quiet">{user.email}</div>}
            </div>
          </div>
          {user.bio && (
            <p className="reading" dir="auto">
              {user.bio}
            </p>
          )}
          <Facts
            facts={[
              [
                'Role',
                <StateMenu
                  key="role"
                  options={roles}
                  value={role ?? user.role}
                  label="Give another role"
                  choose={
                    isManaged && !user.deactivatedAt ? (role) => giveRole(role as Role) : undefined
                  }
                />,
              ],
              [
                'Availability',
                <StateMenu key="is" options={availabilities} value={user.availability} />,
              ],
              ['Last seen', user.lastSeenAt && <RelativeTime key="seen" at={user.lastSeenAt} />],
              ['Registered', <RelativeTime key="registered" at={user.createdAt} />],
            ]}
          />
          {user.history && (
            <RecordHistory
              key={id}
              name="user"
              fields={fields}
              verbs={verbs}
              newest={user.history}
              older={async (before) => (await read(UserHistory, { id, before })).user?.history}
            />
          )}
        </div>
      )}
    </Pane>
  );
}
