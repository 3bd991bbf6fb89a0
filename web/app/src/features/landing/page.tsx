// The first visit: what this is, and that it works.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo } from 'react';
import { Lines } from '../../components/page';
import icon from '../../icon.svg';
import { useDemoPeople } from '../../lib/demo';
import { useSession } from '../../lib/session';
import { Code } from './code';
import { facts } from './facts';
import classes from './page.module.css';
import { SchemaLink } from './schema-link';

const Demonstration = lazy(() => import('./demonstration'));

export function LandingPage() {
  const { state } = useSession();
  const people = useDemoPeople();
  useEffect(() => {
    document.title = 'Millrace';
  }, []);
  const pair = useMemo(() => {
    const [first, second] = people?.filter(({ role }) => role === 'STAFF') ?? [];
    return first && second ? ([first, second] as const) : undefined;
  }, [people]);
  const isIn = state === 'in' || state === 'expired';
  return (
    <div className={classes.page}>
      <header className={classes.header}>
        <span className={classes.brand}>
          <img src={icon} alt="" width={26} height={26} /> Millrace
        </span>
        <nav className={classes.links} aria-label="Around the gateway">
          <Link to="/graphiql">GraphiQL</Link>
          <SchemaLink />
          <a href="/health/ready">Health</a>
        </nav>
        {isIn ? (
          <Button component={Link} to="/chats" variant="default">
            Open the app
          </Button>
        ) : (
          <Button component={Link} to="/sign-in" variant="default">
            Sign in
          </Button>
        )}
      </header>
      <main className={classes.main}>
        <div className={classes.said}>
          <h1>Every mutation is an event. Every event can be subscribed to.</h1>
          <p>
            Millrace is a GraphQL gateway that commits each write together with its event. Clients
            that were away go on exactly where they stopped.
          </p>
          <div className={classes.buttons}>
            <Button component={Link} to={isIn ? '/chats' : '/sign-in'} size="md">
              {isIn ? 'Open the app' : people && people.length > 0 ? 'Look around' : 'Sign in'}
            </Button>
            <Button component={Link} to="/graphiql" size="md" variant="default">
              Open GraphiQL
            </Button>
          </div>
        </div>
        <div className={classes.shown}>
          {pair && (
            <Suspense fallback={<Lines count={8} />}>
              <Demonstration people={pair} />
            </Suspense>
          )}
          {people && !pair && <Code />}
        </div>
        <dl className={classes.facts}>
          {facts.map(({ number, text }) => (
            <div key={number}>
              <dt className="numbers">{number}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      </main>
    </div>
  );
}
