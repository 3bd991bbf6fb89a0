// What the processors found, in words.
import { Badge } from '@mantine/core';
import { ArrowDownRight, ArrowRight, ArrowUpRight } from 'lucide-react';
import type { SignalPartsFragment } from '../../generated/graphql';
import classes from './findings.module.css';
import { outcomeOf, statusNames } from './progress';

type Finding = SignalPartsFragment['results'][number]['finding'];

const format = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
/** Also of very large and very small ones, in a few letters. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e9 || size < 0.005)
    ? value.toExponential(2)
    : format.format(value);
}

const arrows = { RISING: ArrowUpRight, FALLING: ArrowDownRight, FLAT: ArrowRight };

export function StatusBadge({ signal }: { signal: SignalPartsFragment }) {
  const { status } = signal;
  return (
    <Badge
      className={classes.status}
      data-status={status}
      size="sm"
      tt="none"
      variant="default"
      title={outcomeOf(signal)}
    >
      {statusNames[status]}
    </Badge>
  );
}

/** In one line, for a list. */
export function Findings({ signal }: { signal: SignalPartsFragment }) {
  return (
    <span className={classes.findings}>
      {signal.results.map(({ processor, finding }) => (
        <FindingText key={processor} finding={finding} />
      ))}
    </span>
  );
}

export function FindingText({ finding }: { finding: Finding }) {
  switch (finding.__typename) {
    case 'StatisticsFinding':
      return (
        <span className={classes.finding} data-alarm={finding.isAnomaly || undefined}>
          {finding.isAnomaly ? 'anomaly' : 'as usual'}
          {finding.zScore != null && (
            <span className="quiet" title="Standard deviations from the mean">
              {' '}
              {finding.zScore > 0 && '+'}
              {numberText(finding.zScore)} σ
            </span>
          )}
        </span>
      );
    case 'TrendFinding': {
      const Arrow = arrows[finding.direction];
      return (
        <span className={classes.finding}>
          <Arrow size={14} aria-hidden /> {finding.direction.toLowerCase()}
        </span>
      );
    }
    case 'LevelFinding':
      return (
        <span className={classes.finding} data-alarm={finding.isChange || undefined}>
          {finding.isChange && finding.previousLevel && `${finding.previousLevel} → `}
          {finding.level}
        </span>
      );
  }
}
