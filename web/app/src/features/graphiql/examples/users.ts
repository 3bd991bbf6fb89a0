// Examples of users: signing in by hand, and who is there.
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
    sentence: 'Its tokens are in the answer, and the page offers to go on with them.',
    query: signIn,
    variables: () => ({ input: { email: 'admin@example.com', password: '' } }),
  },
  {
    title: 'Register',
    sentence: 'A new user, with the tokens of their first session.',
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
    variables: ({ otherUserId, selfId }) => ({
      userIds: [otherUserId, selfId].filter((id) => id !== undefined),
    }),
  },
];
