// Each part with how it does, in one list.
import { Lines } from '../../components/page';
import { inWords } from './alarms';
import { useMonitor } from './monitor';
import classes from './operations.module.css';

type Level = 'good' | 'warn' | 'bad' | 'none';

interface Part {
  name: string;
  level: Level;
  told: string;
}

export function HealthParts() {
  const health = useMonitor((state) => state.health);
  const status = useMonitor((state) => state.status);
  if (!health) return <Lines count={5} />;
  const answer = ({ isUp, tookMs }: { isUp: boolean; tookMs: number }) =>
    isUp ? `answers in ${tookMs.toFixed(1)} ms` : 'does not answer';
  const at = (position: number) => `at ${position.toLocaleString('en')}`;
  const processes = new Set(
    status?.followers.flatMap(({ members }) => members.map(({ owner }) => owner)),
  ).size;
  const unwell = status?.followers.filter(({ members }) => members.length === 0).length ?? 0;
  const open = status?.breakers.filter(({ state }) => state !== 'CLOSED') ?? [];
  const parts: Part[] = [
    {
      name: `Gateway ${health.version}`,
      level: health.isHealthy ? 'good' : 'bad',
      told: health.secondsBehind < 1 ? 'up to date' : `${inWords(health.secondsBehind)} behind`,
    },
    {
      name: 'Database',
      level: health.database.isUp ? 'good' : 'bad',
      told: answer(health.database),
    },
    {
      name: 'Redis',
      level: health.redis ? (health.redis.isUp ? 'good' : 'warn') : 'none',
      told: health.redis ? answer(health.redis) : 'not used',
    },
    {
      name: 'Log',
      level: health.logPosition == null ? 'bad' : 'good',
      told: health.logPosition == null ? 'not known' : at(health.logPosition),
    },
    {
      name: 'Delivered to subscribers',
      level: health.secondsBehind < 5 ? 'good' : 'warn',
      told: at(health.position),
    },
    ...(health.relayedPosition == null
      ? []
      : [{ name: 'Relayed to Redis', level: 'good' as const, told: at(health.relayedPosition) }]),
    {
      name: 'Workers',
      level: !status ? 'none' : unwell > 0 ? 'bad' : 'good',
      told: !status ? 'not known' : `${processes} ${processes === 1 ? 'process' : 'processes'}`,
    },
    {
      name: 'Dependencies of handlers',
      level: open.length > 0 ? 'warn' : 'good',
      told:
        open.length > 0
          ? `${open.map(({ dependency }) => dependency).join(', ')} away`
          : 'no breaker is open',
    },
  ];
  return (
    <ul className={`${classes.parts} ${classes.card}`}>
      {parts.map(({ name, level, told }) => (
        <li key={name} className={classes.part}>
          <span className={classes.dot} data-level={level} aria-hidden />
          <span>{name}</span>
          <span>{told}</span>
        </li>
      ))}
    </ul>
  );
}
