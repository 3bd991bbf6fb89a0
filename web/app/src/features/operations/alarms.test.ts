import { expect, it } from 'vitest';
import type { StatusFragment } from '../../generated/graphql';
import { alarmsOf } from './alarms';

const health = {
  isHealthy: true,
  version: '0',
  database: { isUp: true, tookMs: 1 },
  redis: { isUp: true, tookMs: 1 },
  logPosition: 9,
  position: 9,
  relayedPosition: 9,
  secondsBehind: 0,
};

function status(more: Partial<StatusFragment['followers'][number]> = {}): StatusFragment {
  const follower = {
    name: 'posts',
    position: 9,
    deadLetters: 0,
    lag: { events: 0, seconds: 0, isEstimate: false },
    pause: null,
    members: [{ owner: 'a', seenAt: '2026-01-01T00:00:00Z' }],
    parts: [],
    ...more,
  };
  return { followers: [follower], handlers: [], breakers: [] };
}
const lag = { events: 40, seconds: 90, isEstimate: false };
const pause = { pausedAt: '2026-01-01T00:00:00Z', pausedBy: { name: 'Ada', id: 'user_1' } };
const keys = (parts: Parameters<typeof alarmsOf>[0]) => alarmsOf(parts).map(({ key }) => key);

it('says nothing when all is well', () => expect(keys({ status: status(), health })).toEqual([]));

it('says what cannot be reached', () => {
  const down = { isUp: false, tookMs: 0 };
  expect(keys({ health: { ...health, redis: down, database: down, secondsBehind: 60 } })).toEqual([
    'database',
    'redis',
  ]);
  expect(keys({ health: { ...health, secondsBehind: 60 } })).toEqual(['behind']);
});

it('says of each worker the one thing that explains the others', () => {
  expect(keys({ status: status({ lag }) })).toEqual(['lag posts']);
  expect(keys({ status: status({ lag, pause }) })).toEqual(['pause posts']);
  expect(keys({ status: status({ lag, members: [] }) })).toEqual(['no worker']);
});

it('leads to what was given up, worst first', () => {
  const alarms = alarmsOf({ status: status({ pause, deadLetters: 3 }) });
  expect(alarms.map(({ key }) => key)).toEqual(['letters posts', 'pause posts']);
  expect(alarms[0]?.link).toMatchObject({
    to: '/operations/letters',
    search: { consumer: 'posts' },
  });
});

it('tells a rebuild that stands still from one that waits or is done', () => {
  const rebuild = (phase: 'REQUESTED' | 'BUILDING' | 'DONE', isRunning: boolean) => ({
    name: 'posts',
    rebuild: {
      phase,
      isRunning,
      eventsApplied: 1,
      eventsTotal: 2,
      startedAt: null,
      finishedAt: null,
      differences: null,
    },
  });
  expect(keys({ readModels: [rebuild('BUILDING', false)] })).toEqual(['rebuild posts']);
  expect(keys({ readModels: [rebuild('BUILDING', true)] })).toEqual([]);
  expect(keys({ readModels: [rebuild('REQUESTED', false)] })).toEqual([]);
  expect(keys({ readModels: [rebuild('DONE', false)] })).toEqual([]);
});
