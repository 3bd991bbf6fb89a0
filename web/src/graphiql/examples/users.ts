// Examples of users: signing in by hand, and who is there.
import { readAccount } from '../account/store';
import { type Example, randomTag } from './example';
import listUsers from './users/list-users.graphql?raw';
import me from './users/me.graphql?raw';
import register from './users/register.graphql?raw';
import setAvailability from './users/set-availability.graphql?raw';
import signIn from './users/sign-in.graphql?raw';
import watchAvailability from './users/watch-availability.graphql?raw';

export const users: Example[] = [
  {
    title: 'Who am I',
    sentence: 'The user who is signed in; null for nobody.',
    query: me,
  },
  {
    title: 'Sign in',
    sentence: 'What the Account panel does. The page takes the tokens from the answer.',
    query: signIn,
    variables: () => ({ input: { email: 'admin@example.com', password: '' } }),
  },
  {
    title: 'Register',
    sentence: 'A new user, signed in at once: from then on you are them.',
    query: register,
    variables: () => ({
      input: {
        name: 'Grace Hopper',
        email: `grace.${randomTag()}@example.com`,
        password: `${randomTag()}-${randomTag()}`,
      },
    }),
  },
  {
    title: 'List users',
    sentence: 'By name. Email addresses are for staff, and your own.',
    query: listUsers,
    variables: () => ({ search: null, first: 20, after: null }),
  },
  {
    title: 'Set your availability',
    sentence: 'ONLINE, AWAY, BUSY or OFFLINE; others see it while you are connected.',
    query: setAvailability,
    variables: () => ({ input: { availability: 'BUSY' } }),
  },
  {
    title: 'Watch who is there',
    sentence: 'How each of these users is available now, then every change of it.',
    live: true,
    query: watchAvailability,
    variables: ({ otherUserId }) => ({
      userIds: [otherUserId, ownId()].filter((id) => id !== undefined),
    }),
  },
];

function ownId(): string | undefined {
  const account = readAccount();
  return account.state === 'signedIn' ? account.user?.id : undefined;
}
