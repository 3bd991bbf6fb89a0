// The pattern of a detail: one live query.
import { Badge, Group, Stack, Text, Title } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { UserX } from 'lucide-react';
import { EmptyState } from '../../components/empty-state';
import { Failed } from '../../components/failed';
import { Lines, Pane } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { Timeline } from '../../components/timeline';
import { UserAvatar } from '../../components/user-name';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import { useSession } from '../../lib/session';
import { verbs } from './verbs';

const UserDetails = graphql(`
  query UserDetails($id: ID!, $withHistory: Boolean!) @live {
    user(id: $id) {
      ...UserName
      bio
      role
      email
      version
      createdAt
      lastSeenAt
      deactivatedAt
      history(last: 30) @include(if: $withHistory) {
        nodes { version type occurredAt actor { name ... on User { id } } }
      }
    }
  }
`);

const route = getRouteApi('/users/$id');

export function UserDetail() {
  const { id } = route.useParams();
  const { me, isFor } = useSession();
  const withHistory = isFor('staff') || me?.id === id;
  const { data, failure, isLoading, retry } = useLive(UserDetails, { id, withHistory });
  const user = data?.user;
  return (
    <Pane title={user?.name ?? 'User'} to="/users">
      {failure && !data && <Failed error={failure} retry={retry} />}
      {isLoading && !failure && <Lines />}
      {data && !user && (
        <EmptyState icon={UserX} title="There is no such user">
          The account may have been erased.
        </EmptyState>
      )}
      {user && (
        <Stack gap="lg">
          <Group>
            <UserAvatar person={user} size={48} />
            <div>
              <Text fw={600}>{user.name}</Text>
              {user.email && (
                <Text size="sm" c="dimmed">
                  {user.email}
                </Text>
              )}
              <Text size="sm" c="dimmed">
                Registered <RelativeTime at={user.createdAt} />
                {user.lastSeenAt && (
                  <>
                    , last seen <RelativeTime at={user.lastSeenAt} />
                  </>
                )}
              </Text>
            </div>
          </Group>
          {user.deactivatedAt && (
            <Badge color="red" variant="light" tt="none">
              Deactivated
            </Badge>
          )}
          {user.bio && <Text className="reading">{user.bio}</Text>}
          {user.history && (
            <section>
              <Title order={2} size="h3" mb="sm">
                History
              </Title>
              <Timeline
                entries={user.history.nodes
                  .toReversed()
                  .map(({ version, type, actor, occurredAt }) => ({
                    id: String(version),
                    actor,
                    verb: verbs[type] ?? type,
                    at: occurredAt,
                  }))}
              />
            </section>
          )}
        </Stack>
      )}
    </Pane>
  );
}
