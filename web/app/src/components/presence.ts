// Who of some people is here: the cache is told, so that every avatar of theirs shows it, and lists, whose rows go past the cache.
import { useEffect, useMemo, useState } from 'react';
import type { PresenceSubscription } from '../generated/graphql';
import { useCurrent } from '../lib/events';
import { graphql } from '../lib/graphql';

const Presence = graphql(`
  subscription Presence($ids: [ID!]!) {
    availabilityChanged(userIds: $ids) { user { id availability lastSeenAt } }
  }
`);

/** So many are followed at once. */
export const mostPresent = 100;

type Told = PresenceSubscription['availabilityChanged']['user'];
export type PresenceOf = Pick<Told, 'availability' | 'lastSeenAt'>;

/** What is known of the first of these, by their ids. */
export function usePresence(ids: readonly string[]): ReadonlyMap<string, PresenceOf> {
  const [known, setKnown] = useState<ReadonlyMap<string, PresenceOf>>(new Map());
  const key = [...new Set(ids.slice(0, mostPresent))].sort().join();
  const variables = useMemo(() => ({ ids: key.split(',') }), [key]);
  useEffect(() => {
    const followed = new Set(variables.ids);
    setKnown((before) => {
      const left = [...before].filter(([id]) => followed.has(id));
      return left.length === before.size ? before : new Map(left);
    });
  }, [variables]);
  useCurrent(Presence, variables, {
    pause: key === '',
    onData: ({ availabilityChanged: { user } }) => {
      const { id, availability, lastSeenAt } = user;
      setKnown((before) => new Map(before).set(id, { availability, lastSeenAt }));
    },
  });
  return known;
}
