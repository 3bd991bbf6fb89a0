// What the pages of operations have in common: the title, the way to each other, and how many alarms there are.
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { Notice } from '../../components/notice';
import { Page } from '../../components/page';
import { explain } from '../../lib/errors';
import { alarmsOf } from './alarms';
import { hasNothing, useMonitor } from './monitor';
import classes from './operations.module.css';

const pages = [
  { to: '/operations', label: 'Overview' },
  { to: '/operations/log', label: 'Event log' },
  { to: '/operations/workers', label: 'Workers' },
  { to: '/operations/letters', label: 'Dead letters' },
  { to: '/operations/people', label: 'Connections' },
  { to: '/operations/storage', label: 'Storage' },
] as const;

export function OperationsFrame({
  children,
  actions,
  scrolls = false,
}: {
  children: ReactNode;
  actions?: ReactNode;
  /** The content is scrolled as a whole. */
  scrolls?: boolean;
}) {
  const alarms = useAlarms();
  const letters = useMonitor(({ samples }) => samples.at(-1)?.deadLetters ?? 0);
  const counts: Partial<Record<string, number>> = {
    '/operations': alarms.length,
    '/operations/letters': letters,
  };
  return (
    <Page title="Operations" actions={actions}>
      <nav className={classes.tabs} aria-label="Operations">
        {pages.map(({ to, label }) => (
          <Link
            key={to}
            to={to}
            className={classes.tab}
            activeOptions={{ exact: to === '/operations' }}
          >
            {label}
            {Boolean(counts[to]) && <span className={classes.count}>{counts[to]}</span>}
          </Link>
        ))}
      </nav>
      <Stale />
      {scrolls ? <div className={classes.scroller}>{children}</div> : children}
    </Page>
  );
}

/** What is shown is from before. Without anything to show the pages say why. */
function Stale() {
  const failure = useMonitor((state) => state.failure ?? state.statusFailure);
  const isEmpty = useMonitor(hasNothing);
  if (!failure || isEmpty) return null;
  return (
    <div className={classes.stale}>
      <Notice tone="warn" title="What is shown here stands still">
        {explain(failure)}
      </Notice>
    </div>
  );
}

export function useAlarms() {
  const status = useMonitor((state) => state.status);
  const health = useMonitor((state) => state.health);
  const readModels = useMonitor((state) => state.readModels);
  return useMemo(() => alarmsOf({ status, health, readModels }), [status, health, readModels]);
}

export function Section({
  title,
  id,
  children,
  actions,
}: {
  title: string;
  id?: string;
  children: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <section className={classes.section} id={id} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}
