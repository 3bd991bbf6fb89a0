// Whether people are here: the cache is told, so that every avatar of theirs shows it.
import { useMemo } from 'react';
import { useCurrent } from '../../lib/events';
import { graphql } from '../../lib/graphql';

const Presence = graphql(`
  subscription ChatPresence($userIds: [ID!]!) {
    availabilityChanged(userIds: $userIds) { user { id availability } }
  }
`);

export function usePresence(userIds: readonly string[]): void {
  const key = [...new Set(userIds)].sort().join();
  const variables = useMemo(() => ({ userIds: key.split(',') }), [key]);
  useCurrent(Presence, variables, { pause: key === '' });
}
