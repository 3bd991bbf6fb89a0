// The overview: what is wrong and what can be done about it, four numbers with their last quarter of an hour, the health of each
// part, and the newest events.
import { Tooltip } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { Failed } from '../../components/failed';
import { inWords } from './alarms';
import { Chart, type Line } from './chart';
import { OperationsFrame, Section, useAlarms } from './frame';
import { HealthParts } from './health';
import { hasNothing, useMonitor } from './monitor';
import classes from './operations.module.css';

const count = (value: number) =>
  value >= 10_000
    ? `${Math.round(value / 1_000)}k`
    : value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
const milliseconds = (value: number) =>
  value < 1_000 ? `${count(value)} ms` : `${count(value / 1_000)} s`;

const rate: Line[] = [
  { label: 'events/s', color: '--link', isFilled: true, value: (it) => it.rate },
];
const latency: Line[] = [
  { label: 'p99', color: '--warn', value: (it) => it.p99 },
  { label: 'median', color: '--link', value: (it) => it.median },
];
const lag: Line[] = [
  { label: 'furthest behind', color: '--link', isFilled: true, value: (it) => it.lagSeconds },
];
const errors: Line[] = [
  { label: 'given up', color: '--bad', value: (it) => it.deadLetters },
  { label: 'tried again', color: '--warn', value: (it) => it.retrying },
];

export function OperationsPage() {
  const failure = useMonitor((state) => state.failure ?? state.statusFailure);
  const isEmpty = useMonitor(hasNothing);
  const latest = useMonitor((state) => state.samples.at(-1));
  const clockOffset = useMonitor((state) => state.clockOffset);
  if (failure && isEmpty)
    return (
      <OperationsFrame>
        <Failed error={failure} />
      </OperationsFrame>
    );
  const wrong = (latest?.deadLetters ?? 0) + (latest?.retrying ?? 0);
  const late = latest?.lagSeconds ?? 0;
  return (
    <OperationsFrame scrolls>
      <Alarms />
      <div className={classes.numbers}>
        <Figure
          title="Events per second"
          value={latest?.rate == null ? undefined : count(latest.rate)}
          link={<Link to="/operations/log">Log</Link>}
          chart={<Chart label="Events per second" lines={rate} format={count} />}
        />
        <Figure
          title="Commit to this page, p99"
          value={latest?.p99 == null ? undefined : count(latest.p99)}
          unit="ms"
          level={latest?.p99 != null && latest.p99 >= 1_000 ? 'warn' : undefined}
          explanation={`From when an event was recorded to when it was here, of the last minute's events.${
            clockOffset === 0
              ? ''
              : ` The gateway's clock is ${inWords(Math.abs(clockOffset) / 1_000)} ${clockOffset > 0 ? 'ahead of' : 'behind'} this one, which is accounted for.`
          }`}
          chart={<Chart label="From commit to this page" lines={latency} format={milliseconds} />}
        />
        <Figure
          title="Lag"
          value={latest?.lagSeconds == null ? undefined : count(latest.lagSeconds)}
          unit="s"
          level={late >= 10 ? 'warn' : undefined}
          link={<Link to="/operations/workers">Workers</Link>}
          chart={
            <Chart
              label="Lag of the worker that is furthest behind"
              lines={lag}
              format={(value) => `${count(value)} s`}
            />
          }
        />
        <Figure
          title="Errors"
          value={latest?.deadLetters == null ? undefined : count(wrong)}
          level={(latest?.deadLetters ?? 0) > 0 ? 'bad' : wrong > 0 ? 'warn' : undefined}
          explanation="Events that workers gave up, and those that failed and are tried again."
          link={<Link to="/operations/letters">Dead letters</Link>}
          chart={<Chart label="Errors of workers" lines={errors} format={count} />}
        />
      </div>
      <div className={classes.columns}>
        <Section title="Health">
          <HealthParts />
        </Section>
        <Section title="Newest events" actions={<Link to="/operations/log">All events</Link>}>
          <Newest />
        </Section>
      </div>
    </OperationsFrame>
  );
}

function Alarms() {
  const alarms = useAlarms();
  if (alarms.length === 0) return null;
  return (
    <ul className={classes.alarms} aria-label="Alarms" aria-live="polite">
      {alarms.map(({ key, level, title, advice, link }) => (
        <li key={key} className={classes.alarm} data-level={level}>
          {level === 'bad' ? (
            <CircleAlert size={16} aria-label="Alarm" />
          ) : (
            <TriangleAlert size={16} aria-label="Warning" />
          )}
          <div>
            <strong>{title}.</strong> <Code text={advice} />
          </div>
          {link && (
            <Link
              to={link.to}
              search={link.search as never}
              hash={link.hash as never}
              className={classes.alarmLink}
            >
              {link.label}
            </Link>
          )}
        </li>
      ))}
    </ul>
  );
}

/** What is between backticks is typed. */
function Code({ text }: { text: string }) {
  return text.split('`').map((part, place) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: a text has its parts in one order
    place % 2 === 1 ? <code key={place}>{part}</code> : part,
  );
}

function Figure({
  title,
  value,
  unit,
  level,
  explanation,
  link,
  chart,
}: {
  title: string;
  value: string | undefined;
  unit?: string;
  level?: 'bad' | 'warn' | undefined;
  explanation?: string;
  link?: ReactNode;
  chart: ReactNode;
}) {
  return (
    <section className={classes.number} aria-label={title}>
      <h2>
        {title}
        {link}
        {explanation && !link && (
          <Tooltip
            label={explanation}
            multiline
            w={280}
            events={{ hover: true, focus: true, touch: true }}
          >
            <button type="button" className={classes.info} aria-label={explanation}>
              <Info size={14} aria-hidden />
            </button>
          </Tooltip>
        )}
      </h2>
      <div className={classes.figure} data-level={level}>
        {value ?? '–'}
        {value !== undefined && unit && <small>{unit}</small>}
      </div>
      {chart}
    </section>
  );
}

function Newest() {
  const events = useMonitor((state) => state.events);
  const isFollowed = useMonitor((state) => state.isFollowed);
  const [seen, setSeen] = useState<number>();
  if (isFollowed && seen === undefined) setSeen(events.at(-1)?.position ?? 0);
  return (
    <ol className={`${classes.latest} ${classes.card}`}>
      {events
        .slice(-10)
        .reverse()
        .map(({ eventId, position, occurredAt, type, actor, streamId, version }) => (
          <li key={eventId} className={classes.latestItem}>
            <Link
              className={classes.latestLink}
              data-new={(seen !== undefined && position > seen) || undefined}
              to="/operations/log/$stream/$version"
              params={{ stream: streamId, version: String(version) }}
            >
              <span className="numbers quiet">{clockOf(occurredAt)}</span>
              <span className="cut">{type}</span>
              <span className="cut quiet">{actor.name}</span>
            </Link>
          </li>
        ))}
    </ol>
  );
}

function clockOf(at: string): string {
  return new Date(at).toLocaleTimeString('en', { hourCycle: 'h23' });
}
