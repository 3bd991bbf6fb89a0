import { MillraceError } from '@millrace/client';
import { expect, test, vi } from 'vitest';

vi.mock('./millrace', () => ({ millrace: {} }));

import { isEmpty } from './live';
import { answer } from './live-list';

test('null beside errors does not say that something does not exist', () => {
  expect([isEmpty({ post: null }), isEmpty(undefined), isEmpty(null)]).toEqual([true, true, true]);
  expect([isEmpty({ post: null, me: {} }), isEmpty({ count: 0 })]).toEqual([false, false]);
});

test('a list that is null is a failure, and one that is there is shown beside errors', () => {
  const sink = { next: vi.fn(), failed: vi.fn() };
  const list = { nodes: [], pageInfo: { hasNextPage: false } };
  const error = new MillraceError('TIMEOUT', 'too slow');
  answer(null, 'cursor', error, sink);
  expect(sink.failed).toHaveBeenLastCalledWith(error);
  answer(list, 'cursor', error, sink);
  expect(sink.next).toHaveBeenLastCalledWith(list, 'cursor');
  // The cache knows nothing yet.
  answer(null, undefined, undefined, sink);
  expect(sink.failed).toHaveBeenCalledTimes(1);
  answer(null, 'cursor', undefined, sink);
  expect(sink.failed).toHaveBeenCalledTimes(2);
});
