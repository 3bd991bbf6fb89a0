// What mutations will have done, shown before they are answered: the answer as it is expected, by the name of the mutation. What
// it does not know it leaves out. See https://nearform.com/open-source/urql/docs/graphcache/cache-updates/#optimistic-updates.
import type {
  Cache,
  OptimisticMutationConfig,
  OptimisticMutationResolver,
} from '@urql/exchange-graphcache';

const isObject = (value: unknown) => typeof value === 'object' && value !== null;

/** The object that the input names, with what the input says of it. */
const changed =
  (
    type: string,
    more: () => Record<string, string | null> = () => ({}),
  ): OptimisticMutationResolver =>
  ({ input }, cache, { fieldName }) => {
    // What is embedded is shown as it is answered.
    const given = Object.entries(input as object).filter(([, value]) => !isObject(value));
    const {
      expectedVersion: _,
      id,
      ...said
    } = Object.fromEntries(given) as {
      id: string;
      expectedVersion?: number;
    };
    const version = cache.resolve({ __typename: type, id }, 'version') as number | null;
    if (version == null) return null;
    return {
      __typename: `${fieldName.charAt(0).toUpperCase()}${fieldName.slice(1)}Payload`,
      [type.toLowerCase()]: { __typename: type, id, version, ...said, ...more() },
    };
  };
const deleted = () => ({ deletedAt: new Date().toISOString() });
const restored = () => ({ deletedAt: null });

export const optimistic: OptimisticMutationConfig = {
  updateCustomer: changed('Customer'),
  deleteCustomer: changed('Customer', deleted),
  restoreCustomer: changed('Customer', restored),
  updateStudent: changed('Student'),
  deleteStudent: changed('Student', deleted),
  restoreStudent: changed('Student', restored),
  setRole: changed('User'),
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
  markChatRead: ({ input }, cache) => {
    const { id } = input as { id: string };
    const chat = { __typename: 'Chat', id };
    // Who marks them has the newest in view.
    return cache.resolve(chat, 'unreadCount') === undefined
      ? null
      : { __typename: 'MarkChatReadPayload', chat: { ...chat, unreadCount: 0 } };
  },
  likePost: ({ input }, cache) => ({
    __typename: 'LikePostPayload',
    post: liked(cache, input as { id: string }, true),
  }),
  unlikePost: ({ input }, cache) => ({
    __typename: 'UnlikePostPayload',
    post: liked(cache, input as { id: string }, false),
  }),
};

function liked(cache: Cache, { id }: { id: string }, isLiked: boolean) {
  const post = { __typename: 'Post', id };
  const [version, likedByMe, likeCount] = ['version', 'likedByMe', 'likeCount'].map((field) =>
    cache.resolve(post, field),
  ) as [number | null, boolean, number];
  // It is shown by somebody else than the cache.
  if (version == null) return null;
  const change = likedByMe === isLiked ? 0 : isLiked ? 1 : -1;
  return { ...post, version, likedByMe: isLiked, likeCount: likeCount + change };
}
