import { describe, expect, it } from 'vitest';
import { gatewayNow, heard } from './clock';
import { outcomeOf, stateOf, timeLeft } from './progress';

const answered = { processor: 'STATISTICS', isLate: false } as const;
const late = { processor: 'TREND', isLate: true } as const;

describe('a processor', () => {
  it.each([
    ['waits before the signal is taken up', 'PENDING', [], 'waiting'],
    ['runs', 'PROCESSING', [], 'running'],
    ['has answered, while others run', 'PROCESSING', [answered], 'answered'],
    ['has answered, when all is over', 'COMPLETED', [answered], 'answered'],
    ['is missing after the deadline', 'PARTIAL', [late], 'missing'],
  ] as const)('%s', (_, status, results, state) => {
    expect(stateOf({ status, results }, 'STATISTICS')).toBe(state);
  });

  it('is late when it answers after the deadline', () => {
    expect(stateOf({ status: 'PARTIAL', results: [answered, late] }, 'TREND')).toBe('late');
  });
});

describe('the outcome', () => {
  it('names who did not answer in time, also when they did later', () => {
    const signal = { status: 'PARTIAL', results: [answered, late] } as const;
    expect(outcomeOf(signal)).toBe('Partial: without Trend and Levels');
    expect(outcomeOf({ status: 'COMPLETED', results: [] })).toBe('Complete');
  });
});

describe('the time left', () => {
  const signal = { submittedAt: '2026-01-01T00:00:00Z', deadlineAt: '2026-01-01T00:00:30Z' };
  const at = (seconds: number) => Date.parse(signal.submittedAt) + seconds * 1_000;
  it.each([
    [0, 1],
    [15, 0.5],
    [30, 0],
    // Whatever the clocks say.
    [-500, 1],
    [900, 0],
  ])('after %d s is %d of all', (seconds, share) => {
    expect(timeLeft(signal, at(seconds)).share).toBe(share);
  });

  it('is nothing of nothing', () => {
    expect(timeLeft({ ...signal, deadlineAt: signal.submittedAt }, at(0)).share).toBe(0);
  });
});

describe('the clock of the gateway', () => {
  it('is taken from the event that came fastest', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(gatewayNow(now)).toBe(now);
    // A minute behind, and three events that took their time.
    for (const delay of [5_000, 100, 2_000])
      heard(new Date(now - 60_000 - delay).toISOString(), now);
    expect(gatewayNow(now)).toBe(now - 60_100);
  });
});
