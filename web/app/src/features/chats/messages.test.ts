import { describe, expect, it } from 'vitest';
import {
  emptyLog,
  firstUnread,
  type Log,
  later,
  type MessageState,
  merged,
  told,
  withNewest,
} from './messages';

const ada = { id: 'ada', name: 'Ada' };
const grace = { id: 'grace', name: 'Grace' };

function message(number: number, more: Partial<MessageState> = {}): MessageState {
  const createdAt = new Date(Date.UTC(2026, 0, 1, 12, 0, number)).toISOString();
  return { id: `m${number}`, number, text: `text ${number}`, createdAt, author: ada, ...more };
}
const numbers = ({ messages }: Log<MessageState>) => messages.map(({ number }) => number);
const logOf = (...messages: MessageState[]): Log<MessageState> => merged(emptyLog, messages);
const [first, second] = ['2026-01-02T00:00:00.1Z', '2026-01-02T00:00:00.25Z'];

describe('of two states of a message', () => {
  it.each([
    ['an edit is later than what was sent', {}, { editedAt: first }],
    ['the later edit is', { editedAt: first }, { editedAt: second }],
    ['a deletion is, whatever it was before', { editedAt: second }, { deletedAt: first }],
  ])('%s', (_, before, after) => {
    const [a, b] = [message(1, before), message(1, after)];
    expect(later(a, b)).toBe(b);
    expect(later(b, a)).toBe(b);
  });
});

describe('the messages of a chat', () => {
  it('are the same in whatever order pages and events come', () => {
    const page = [message(3), message(2), message(1)];
    const edited = message(2, { editedAt: first, text: 'edited' });
    const one = told(withNewest<MessageState>(emptyLog, page), edited);
    // The page was read before the edit, and comes after it.
    const other = merged(told(logOf(message(3)), edited), page);
    expect(one.messages).toEqual(other.messages);
    expect(numbers(one)).toEqual([1, 2, 3]);
    expect(one.messages[1]?.text).toBe('edited');
  });

  it('begin again where a page does not reach them', () => {
    const here = logOf(message(1), message(2));
    expect(numbers(withNewest(here, [message(3), message(4)]))).toEqual([1, 2, 3, 4]);
    expect(numbers(withNewest(here, [message(4), message(5)]))).toEqual([4, 5]);
    expect(numbers(withNewest<MessageState>(emptyLog, []))).toEqual([]);
  });

  it('do not get a hole by an event about an older one', () => {
    const here = logOf(message(10), message(11));
    expect(numbers(told(here, message(4, { editedAt: first })))).toEqual([10, 11]);
    expect(numbers(told(here, message(12)))).toEqual([10, 11, 12]);
    expect(numbers(merged(here, [message(9)]))).toEqual([9, 10, 11]);
  });

  it('keep a bounded number of what they do not show', () => {
    let log = logOf(message(1_000));
    for (let number = 1; number <= 600; number += 1)
      log = told(log, message(number, { editedAt: first }));
    expect(log.aside.size).toBe(500);
  });
});

describe('the first unread', () => {
  const messages = [
    message(1),
    message(2, { author: grace }),
    message(3, { author: grace, deletedAt: first, text: null }),
    message(4),
    message(5, { author: grace }),
  ];
  it('is found from the end, among those of others that are there', () => {
    expect(firstUnread(messages, 'ada', 1)).toBe(5);
    expect(firstUnread(messages, 'ada', 2)).toBe(2);
  });
  it('is unknown when it was not read yet, or there is none', () => {
    expect(firstUnread(messages, 'ada', 3)).toBeUndefined();
    expect(firstUnread(messages, 'ada', 0)).toBeUndefined();
  });
});
