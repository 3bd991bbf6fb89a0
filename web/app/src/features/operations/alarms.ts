// What is wrong, worst first, and what can be done about each.
import type { StatusFragment } from '../../generated/graphql';
import type { Health, ReadModel } from './monitor';

export interface Alarm {
  key: string;
  level: 'bad' | 'warn';
  title: string;
  /** Why it matters, and what to do. */
  advice: string;
  /** Where that is done. */
  link?: { to: string; search?: Record<string, string>; hash?: string; label: string };
}

const lateSeconds = 10;

export function alarmsOf({
  status,
  health,
  readModels,
}: {
  status?: StatusFragment | undefined;
  health?: Health | undefined;
  readModels?: readonly ReadModel[] | undefined;
}): Alarm[] {
  const alarms = [...ofHealth(health), ...ofWorkers(status), ...ofRebuilds(readModels)];
  return alarms.toSorted((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

function ofHealth(health: Health | undefined): Alarm[] {
  if (!health) return [];
  const alarms: Alarm[] = [];
  if (!health.database.isUp)
    alarms.push({
      key: 'database',
      level: 'bad',
      title: 'The database does not answer',
      advice:
        'Mutations are refused and rights cannot be checked. Bring it back; the gateway goes on by itself.',
    });
  if (health.redis && !health.redis.isUp)
    alarms.push({
      key: 'redis',
      level: 'warn',
      title: 'Redis does not answer, or is full',
      advice:
        'Events are read from the log meanwhile and come a little later. Start it, or give it memory; nothing is lost.',
    });
  if (health.database.isUp && health.secondsBehind >= 5)
    alarms.push({
      key: 'behind',
      level: 'bad',
      title: `This gateway is ${inWords(health.secondsBehind)} behind the log`,
      advice: 'Subscribers hear late. The database is slow, or the machine has no time left.',
      link: { to: '/operations/log', label: 'See what comes' },
    });
  return alarms;
}

function ofWorkers(status: StatusFragment | undefined): Alarm[] {
  if (!status) return [];
  const alarms: Alarm[] = [];
  for (const { dependency, state, owner, error } of status.breakers)
    if (state !== 'CLOSED')
      alarms.push({
        key: `breaker ${dependency} ${owner}`,
        level: 'warn',
        title: `${dependency} cannot be reached`,
        advice: `Its handlers wait without spending attempts, and go on when it answers.${error ? ` ${error}` : ''}`,
        link: { to: '/operations/workers', hash: 'breakers', label: 'See the breaker' },
      });
  const idle = status.followers.filter(({ members, pause }) => members.length === 0 && !pause);
  if (idle.length > 0)
    alarms.push({
      key: 'no worker',
      level: 'bad',
      title:
        idle.length === status.followers.length
          ? 'No worker runs'
          : `No worker runs ${idle.map(({ name }) => name).join(', ')}`,
      advice: 'Read models stand still. Start one with `millrace work`.',
      link: { to: '/operations/workers', label: 'See the workers' },
    });
  for (const { name, lag, pause, deadLetters } of [...status.followers, ...status.handlers]) {
    if (deadLetters > 0)
      alarms.push({
        key: `letters ${name}`,
        level: 'bad',
        title: `${name} gave up ${deadLetters === 1 ? 'an event' : `${deadLetters.toLocaleString('en')} events`}`,
        advice: 'Repair the cause, then replay what was given up, or discard it.',
        link: {
          to: '/operations/letters',
          search: { consumer: name },
          label: 'See the errors',
        },
      });
    if (pause)
      alarms.push({
        key: `pause ${name}`,
        level: 'warn',
        title: `${name} is paused`,
        advice: `${pause.pausedBy.name} paused it; ${lag.events.toLocaleString('en')} events wait.`,
        link: { to: '/operations/workers', hash: name, label: 'Resume it there' },
      });
    else if (lag.seconds >= lateSeconds && !idle.some((other) => other.name === name))
      alarms.push({
        key: `lag ${name}`,
        level: 'warn',
        title: `${name} is ${inWords(lag.seconds)} behind`,
        advice: `${lag.events.toLocaleString('en')} events wait. If that goes on growing, start more workers.`,
        link: { to: '/operations/workers', hash: name, label: 'See the worker' },
      });
  }
  return alarms;
}

function ofRebuilds(readModels: readonly ReadModel[] | undefined): Alarm[] {
  const stuck = readModels?.filter(
    ({ rebuild }) =>
      rebuild && !rebuild.isRunning && !['DONE', 'REQUESTED'].includes(rebuild.phase),
  );
  return (stuck ?? []).map(({ name }) => ({
    key: `rebuild ${name}`,
    level: 'warn',
    title: `The rebuild of ${name} stands still`,
    advice:
      'Its process ended. A worker goes on with it when one runs, and `millrace rebuild` does, too.',
    link: { to: '/operations/workers', hash: 'read-models', label: 'See how far it is' },
  }));
}

export function inWords(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
