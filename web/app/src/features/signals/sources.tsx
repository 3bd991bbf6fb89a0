// What each source sent of late, as a line; a click shows its signals alone.
import { UnstyledButton } from '@mantine/core';
import { useMemo } from 'react';
import type { RecentSignalsQuery } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import { numberText } from './findings';
import classes from './sources.module.css';
import { Sparkline } from './sparkline';

const RecentSignals = graphql(`
  query RecentSignals @live(throttle: 1000) {
    signals(first: 100) { nodes { id version source number value submittedAt } }
  }
`);

type Recent = NonNullable<RecentSignalsQuery['signals']>['nodes'][number];
const mostSources = 12;

/** By source, the one that sent last first; the values of each oldest first. */
export function bySource(signals: readonly Recent[]): Map<string, Recent[]> {
  const sources = new Map<string, Recent[]>();
  for (const signal of signals) {
    const before = sources.get(signal.source);
    if (before) before.unshift(signal);
    else sources.set(signal.source, [signal]);
  }
  return sources;
}

function useRecent(): Map<string, Recent[]> {
  const { data } = useLive(RecentSignals, {});
  return useMemo(() => bySource(data?.signals?.nodes ?? []), [data]);
}

export function useRecentSources(): string[] {
  return [...useRecent().keys()];
}

export function Sources({
  chosen,
  choose,
}: {
  chosen: string | undefined;
  choose: (source: string | undefined) => void;
}) {
  const sources = useRecent();
  if (sources.size === 0) return null;
  // In an order that stays, so that nothing moves under the pointer.
  const shown = [...sources].slice(0, mostSources).sort(([a], [b]) => a.localeCompare(b));
  return (
    <ul className={classes.sources} aria-label="Sources">
      {shown.map(([source, signals]) => {
        const last = signals.at(-1);
        return (
          <li key={source}>
            <UnstyledButton
              className={classes.source}
              aria-pressed={source === chosen}
              onClick={() => choose(source === chosen ? undefined : source)}
            >
              <span className={classes.name}>{source}</span>
              <span className={classes.value}>{last && numberText(last.value)}</span>
              <Sparkline
                values={signals.map(({ value }) => value)}
                label={`${source}: the last ${signals.length} values`}
              />
            </UnstyledButton>
          </li>
        );
      })}
    </ul>
  );
}
