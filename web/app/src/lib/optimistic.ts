// What mutations will have done, shown before they are answered: the answer as it is expected, by the name of the mutation. What
// it does not know it leaves out. See https://nearform.com/open-source/urql/docs/graphcache/cache-updates/#optimistic-updates.
import type { OptimisticMutationConfig } from '@urql/exchange-graphcache';

export const optimistic: OptimisticMutationConfig = {
  setAvailability: ({ input }, cache) => {
    const { availability } = input as { availability: string };
    const user = cache.resolve('Query', 'me');
    if (typeof user !== 'string') return null;
    return {
      __typename: 'SetAvailabilityPayload',
      user: {
        __typename: 'User',
        id: cache.resolve(user, 'id') as string,
        version: cache.resolve(user, 'version') as number,
        availability,
      },
    };
  },
};
