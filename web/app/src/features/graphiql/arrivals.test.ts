import { expect, it, vi } from 'vitest';

vi.mock('./transport', () => ({ client: {} }));
const { tell } = await import('./arrivals');

it('tells an event by its type', () => {
  expect(tell({ result: { data: { customerChanged: { type: 'CREATED' } } } })).toBe(
    'customerChanged CREATED',
  );
  expect(tell({ result: { data: { customerStatistics: { total: 3 } } } })).toBe(
    'customerStatistics',
  );
});

it('tells the steps of a patch, and cuts what is long', () => {
  const patch = [
    { op: 'replace', path: '/post/likeCount', value: 2 },
    { op: 'remove', path: '/post/bio' },
    { op: 'add', path: '/post/message', value: 'a'.repeat(100) },
  ];
  expect(tell({ result: {}, patch })).toBe(
    `replace /post/likeCount 2, remove /post/bio, add /post/message "${'a'.repeat(38)}…`,
  );
});

it('tells an error first', () => {
  const errors = [{ message: 'no', extensions: { code: 'FORBIDDEN' } }];
  expect(tell({ result: { data: { a: null }, errors } })).toBe('FORBIDDEN: no');
});
