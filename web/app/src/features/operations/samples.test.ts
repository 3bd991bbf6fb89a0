import { describe, expect, it } from 'vitest';
import { keep, narrow, nothing, offsetOf, percentile, ratesOf, windowSeconds } from './samples';

describe('percentile', () => {
  it('is one of the values', () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(percentile(values, 99)).toBe(198);
    expect(percentile(values, 50)).toBe(100);
    expect(percentile([7], 99)).toBe(7);
  });

  it('is unknown without values', () => expect(percentile([], 99)).toBeNull());
});

describe('the window', () => {
  it('lets go of what is older than a quarter of an hour', () => {
    let samples = [{ ...nothing, at: 0 }];
    for (let at = 1; at <= windowSeconds + 2; at += 1) samples = keep(samples, { ...nothing, at });
    expect(samples[0]?.at).toBe(2);
    expect(samples.at(-1)?.at).toBe(windowSeconds + 2);
  });

  it('is empty after a pause that is longer', () => {
    const samples = keep([{ ...nothing, at: 0 }], { ...nothing, at: windowSeconds + 1 });
    expect(samples).toHaveLength(1);
  });
});

describe('rates of the past', () => {
  it('are the differences of positions by time', () => {
    const samples = ratesOf([0, 30, 60, 90], [null, 100, 160, 160]);
    expect(samples.map(({ at, rate }) => [at, rate])).toEqual([
      [30, null],
      [60, 2],
      [90, 0],
    ]);
  });
});

describe('the offset of the clocks', () => {
  const wide = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };
  const ask = (ahead: number, sentAt: number) => ({
    date: Math.floor((sentAt + 5 + ahead) / 1_000) * 1_000,
    sentAt,
    receivedAt: sentAt + 10,
  });

  it('is none as long as they may agree', () => {
    let offset = wide;
    for (let sentAt = 5_000; sentAt < 7_000; sentAt += 130) offset = narrow(offset, ask(0, sentAt));
    expect(offsetOf(offset)).toBe(0);
  });

  it('is found to a fraction of a second', () => {
    let offset = wide;
    for (let sentAt = 5_000; sentAt < 7_000; sentAt += 130)
      offset = narrow(offset, ask(-3_400, sentAt));
    expect(Math.abs(offsetOf(offset) + 3_400)).toBeLessThan(150);
  });

  it('follows a clock that was set', () => {
    let offset = narrow(wide, ask(0, 5_000));
    offset = narrow(offset, ask(60_000, 6_000));
    expect(offsetOf(offset)).toBeGreaterThan(58_000);
  });
});
