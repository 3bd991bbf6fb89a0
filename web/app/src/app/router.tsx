// The addresses of the app. Each page is loaded when it is opened, or when its link is pointed at.
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { listSearch } from '../lib/search';
import type { Audience } from '../lib/session';
import { ErrorPage, NotFoundPage } from './error-page';
import { Shell } from './shell';

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** Whom the page is for; others are asked to sign in, or told. Everybody without it. */
    audience?: Audience;
    /** The page fills the window, without the frame. */
    isBare?: boolean;
  }
  interface Register {
    router: typeof router;
  }
}

const root = createRootRoute({
  component: Shell,
  errorComponent: ErrorPage,
  notFoundComponent: NotFoundPage,
});
const inRoot = { getParentRoute: () => root };

const landing = createRoute({
  ...inRoot,
  path: '/',
  component: lazyRouteComponent(() => import('../features/landing/page'), 'LandingPage'),
  staticData: { isBare: true },
});
const toSession = (search: Record<string, unknown>): { next?: string } =>
  // Only to a place in the app.
  typeof search.next === 'string' && /^\/(?![/\\])/.test(search.next) ? { next: search.next } : {};
const signIn = createRoute({
  ...inRoot,
  path: '/sign-in',
  validateSearch: toSession,
  component: lazyRouteComponent(() => import('../features/session/sign-in-page'), 'SignInPage'),
  staticData: { isBare: true },
});
const register = createRoute({
  ...inRoot,
  path: '/register',
  validateSearch: toSession,
  component: lazyRouteComponent(() => import('../features/session/register-page'), 'RegisterPage'),
  staticData: { isBare: true },
});
const withToken = (search: Record<string, unknown>): { token?: string } =>
  typeof search.token === 'string' ? { token: search.token } : {};
const forgot = createRoute({
  ...inRoot,
  path: '/forgot-password',
  component: lazyRouteComponent(() => import('../features/session/forgot-page'), 'ForgotPage'),
  staticData: { isBare: true },
});
const reset = createRoute({
  ...inRoot,
  path: '/reset-password',
  validateSearch: withToken,
  component: lazyRouteComponent(() => import('../features/session/reset-page'), 'ResetPage'),
  staticData: { isBare: true },
});
const verify = createRoute({
  ...inRoot,
  path: '/verify-email',
  validateSearch: withToken,
  component: lazyRouteComponent(() => import('../features/session/verify-page'), 'VerifyPage'),
  staticData: { isBare: true },
});

const customers = createRoute({
  ...inRoot,
  path: '/customers',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/customers/page'), 'CustomersPage'),
  staticData: { audience: 'staff' },
});
const customer = createRoute({
  getParentRoute: () => customers,
  path: '$id',
  component: lazyRouteComponent(() => import('../features/customers/detail'), 'CustomerDetail'),
});
const students = createRoute({
  ...inRoot,
  path: '/students',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/students/page'), 'StudentsPage'),
  staticData: { audience: 'staff' },
});
const student = createRoute({
  getParentRoute: () => students,
  path: '$id',
  component: lazyRouteComponent(() => import('../features/students/detail'), 'StudentDetail'),
});
const users = createRoute({
  ...inRoot,
  path: '/users',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/users/page'), 'UsersPage'),
  staticData: { audience: 'member' },
});
const user = createRoute({
  getParentRoute: () => users,
  path: '$id',
  component: lazyRouteComponent(() => import('../features/users/detail'), 'UserDetail'),
});
const posts = createRoute({
  ...inRoot,
  path: '/posts',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/posts/page'), 'PostsPage'),
  staticData: { audience: 'member' },
});
const post = createRoute({
  getParentRoute: () => posts,
  path: '$id',
  component: lazyRouteComponent(() => import('../features/posts/detail'), 'PostDetail'),
});
const chats = createRoute({
  ...inRoot,
  path: '/chats',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/chats/page'), 'ChatsPage'),
  staticData: { audience: 'member' },
});
const chat = createRoute({
  getParentRoute: () => chats,
  path: '$id',
  component: lazyRouteComponent(() => import('../features/chats/detail'), 'ChatDetail'),
});
const signals = createRoute({
  ...inRoot,
  path: '/signals',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/signals/page'), 'SignalsPage'),
  staticData: { audience: 'member' },
});
const signal = createRoute({
  getParentRoute: () => signals,
  path: '$id',
  component: lazyRouteComponent(() => import('../features/signals/detail'), 'SignalDetail'),
});
const operations = createRoute({
  ...inRoot,
  path: '/operations',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/operations/page'), 'OperationsPage'),
  staticData: { audience: 'admin' },
});
const eventLog = createRoute({
  ...inRoot,
  path: '/operations/log',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/operations/log-page'), 'LogPage'),
  staticData: { audience: 'admin' },
});
const event = createRoute({
  getParentRoute: () => eventLog,
  path: '$stream/$version',
  component: lazyRouteComponent(() => import('../features/operations/event-detail'), 'EventDetail'),
});
const workers = createRoute({
  ...inRoot,
  path: '/operations/workers',
  component: lazyRouteComponent(() => import('../features/operations/workers-page'), 'WorkersPage'),
  staticData: { audience: 'admin' },
});
const letters = createRoute({
  ...inRoot,
  path: '/operations/letters',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/operations/letters-page'), 'LettersPage'),
  staticData: { audience: 'admin' },
});
const letter = createRoute({
  getParentRoute: () => letters,
  path: '$id',
  component: lazyRouteComponent(
    () => import('../features/operations/letter-detail'),
    'LetterDetail',
  ),
});
const connected = createRoute({
  ...inRoot,
  path: '/operations/people',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('../features/operations/people-page'), 'PeoplePage'),
  staticData: { audience: 'admin' },
});
const storage = createRoute({
  ...inRoot,
  path: '/operations/storage',
  component: lazyRouteComponent(() => import('../features/operations/storage-page'), 'StoragePage'),
  staticData: { audience: 'admin' },
});
const graphiql = createRoute({
  ...inRoot,
  path: '/graphiql',
  component: lazyRouteComponent(() => import('../features/graphiql/page'), 'GraphiqlPage'),
});
const settings = createRoute({
  ...inRoot,
  path: '/settings',
  component: lazyRouteComponent(() => import('../features/settings/page'), 'SettingsPage'),
  staticData: { audience: 'member' },
});

export const router = createRouter({
  routeTree: root.addChildren([
    landing,
    signIn,
    register,
    forgot,
    reset,
    verify,
    customers.addChildren([customer]),
    students.addChildren([student]),
    users.addChildren([user]),
    posts.addChildren([post]),
    chats.addChildren([chat]),
    signals.addChildren([signal]),
    operations,
    eventLog.addChildren([event]),
    workers,
    letters.addChildren([letter]),
    connected,
    storage,
    graphiql,
    settings,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  // Addresses that people can read and type.
  parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter((entry) => entry[1] !== undefined) as [
      string,
      string,
    ][];
    const text = new URLSearchParams(given)
      .toString()
      .replaceAll('%2C', ',')
      .replaceAll('%2F', '/');
    return text && `?${text}`;
  },
});
