// The frame around the pages: rail, search, connection and account; on phones a bar at the bottom.
import '@mantine/core/styles.layer.css';
import { Button, Kbd, Menu, VisuallyHidden } from '@mantine/core';
import { ModalsProvider } from '@mantine/modals';
import { Link, useLocation, useMatches } from '@tanstack/react-router';
import { CodeXml, Ellipsis, Lock, Search } from 'lucide-react';
import { lazy, type ReactNode, Suspense } from 'react';
import { EmptyState } from '../components/empty-state';
import { Lines } from '../components/page';
import icon from '../icon.svg';
import { useAttention } from '../lib/attention';
import { useSession } from '../lib/session';
import { AccountMenu } from './account';
import { Connection } from './connection';
import classes from './frame.module.css';
import { places } from './navigation';
import { SignInAgain } from './sign-in-again';

const ChatNews = lazy(() => import('../features/chats/news'));

export default function Frame({ search, children }: { search: () => void; children: ReactNode }) {
  const { state, isFor } = useSession();
  const shown = places.filter(({ audience }) => isFor(audience));
  const { pathname } = useLocation();
  const isMore = [...shown.filter(({ isFirst }) => !isFirst), { to: '/graphiql' }].some(({ to }) =>
    pathname.startsWith(to),
  );
  return (
    <div className={classes.frame}>
      <a className={classes.skip} href="#content">
        Skip to the content
      </a>
      <nav className={classes.rail} aria-label="Pages">
        <Link to="/" className={classes.brand}>
          <img src={icon} alt="" width={22} height={22} /> <span>Millrace</span>
        </Link>
        <button type="button" className={classes.search} onClick={search}>
          <Search size={14} aria-hidden />
          <span>Search</span>
          <Kbd size="xs">Ctrl K</Kbd>
        </button>
        <ul className={classes.places}>
          {shown.map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <Link to={to} className={classes.place} title={label}>
                <Icon size={16} aria-hidden />
                <span>{label}</span>
                <Attention to={to} />
              </Link>
            </li>
          ))}
          <li>
            <Link to="/graphiql" className={classes.place} title="GraphiQL">
              <CodeXml size={16} aria-hidden />
              <span>GraphiQL</span>
            </Link>
          </li>
        </ul>
        <div className={classes.bottom}>
          <Connection />
          <AccountMenu />
        </div>
      </nav>
      <nav className={classes.top} aria-label="Connection and account">
        <Link to="/" className={classes.brand}>
          <img src={icon} alt="Millrace" width={22} height={22} />
        </Link>
        <Connection />
        <button type="button" className={classes.round} aria-label="Search" onClick={search}>
          <Search size={18} aria-hidden />
        </button>
        <AccountMenu isSmall />
      </nav>
      <main className={classes.content} id="content" tabIndex={-1}>
        <ModalsProvider>
          <Guarded>{children}</Guarded>
        </ModalsProvider>
      </main>
      <nav className={classes.tabs} aria-label="Pages">
        {shown
          .filter(({ isFirst }) => isFirst)
          .map(({ to, label, icon: Icon }) => (
            <Link key={to} to={to} className={classes.tab}>
              <Icon size={20} aria-hidden />
              {label}
              <Attention to={to} />
            </Link>
          ))}
        <Menu position="top-end">
          <Menu.Target>
            <button
              type="button"
              className={classes.tab}
              data-status={isMore ? 'active' : undefined}
            >
              <Ellipsis size={20} aria-hidden />
              More
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            {shown
              .filter(({ isFirst }) => !isFirst)
              .map(({ to, label, icon: Icon }) => (
                <Menu.Item key={to} component={Link} to={to} leftSection={<Icon size={16} />}>
                  {label}
                </Menu.Item>
              ))}
            <Menu.Item component={Link} to="/graphiql" leftSection={<CodeXml size={16} />}>
              GraphiQL
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </nav>
      {state === 'expired' && <SignInAgain />}
      {state === 'in' && (
        <Suspense>
          <ChatNews />
        </Suspense>
      )}
    </div>
  );
}

/** How many things wait there. */
function Attention({ to }: { to: string }) {
  const count = useAttention(to);
  if (count === 0) return null;
  return (
    <b className={classes.attention}>
      {count > 99 ? '99+' : count}
      <VisuallyHidden> unread</VisuallyHidden>
    </b>
  );
}

/** Shows the page to those it is for. */
function Guarded({ children }: { children: ReactNode }) {
  const { state, me, isFor } = useSession();
  const { href } = useLocation();
  const audience = useMatches().findLast(({ staticData }) => staticData.audience)?.staticData
    .audience;
  if (!audience || audience === 'everybody' || (me && isFor(audience))) return children;
  if (state === 'out')
    return (
      <EmptyState
        isPage
        icon={Lock}
        title="Sign in to see this page"
        action={
          <Button component={Link} to="/sign-in" search={{ next: href } as never}>
            Sign in
          </Button>
        }
      />
    );
  if (!me) return <Lines />;
  return (
    <EmptyState
      isPage
      icon={Lock}
      title={`This page is for ${audience === 'admin' ? 'administrators' : 'staff'}`}
    >
      You have the role {me.role.toLowerCase()}. An administrator can give you another one; the page
      then opens by itself.
    </EmptyState>
  );
}
