import { expect, test, vi } from 'vitest';

vi.mock('../../lib/millrace', () => ({ millrace: {} }));

import { pointsOf } from './sparkline';
import { isAmbiguous, numberIn } from './submit-signal';

test('a line has a place for each value, also for the largest numbers', () => {
  expect(pointsOf([0, 10]).map(([, y]) => y)).toEqual([29, 3]);
  expect(pointsOf([5, 5]).map(([, y]) => y)).toEqual([16, 16]);
  const extreme = pointsOf([-Number.MAX_VALUE, 0, Number.MAX_VALUE]);
  expect(extreme.map(([, y]) => y)).toEqual([29, 16, 3]);
});

test('a comma is a point, unless it may stand between thousands', () => {
  expect([numberIn('1,5'), numberIn('1.000'), numberIn('-0,125')]).toEqual([1.5, 1, -0.125]);
  expect(['1,000', ' -12,345 '].every(isAmbiguous)).toBe(true);
  expect(['0,125', '1,5', '1.000', '1,0000', '1000'].some(isAmbiguous)).toBe(false);
});
