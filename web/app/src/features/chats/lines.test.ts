import { describe, expect, it } from 'vitest';
import { linesOf, withoutSent } from './lines';
import type { MessageState } from './messages';
import type { Outgoing } from './outgoing';

const ada = { id: 'ada', name: 'Ada' };
const grace = { id: 'grace', name: 'Grace' };
const noon = new Date(2026, 0, 5, 12).getTime();

function message(number: number, minutes: number, more: Partial<MessageState> = {}): MessageState {
  const createdAt = new Date(noon + minutes * 60_000).toISOString();
  return { id: `m${number}`, number, text: `text ${number}`, createdAt, author: ada, ...more };
}

function outgoing(key: string, text: string, more: Partial<Outgoing> = {}): Outgoing {
  const at = new Date(noon + 60_000).toISOString();
  return { key, chatId: 'chat', text, at, after: 1, state: 'waiting', ...more };
}

/** Each line in a word: `+` begins a group. */
function told(
  messages: MessageState[],
  waiting: Outgoing[] = [],
  { unreadFrom, hasOlder = false }: { unreadFrom?: number; hasOlder?: boolean } = {},
): string[] {
  return linesOf(messages, waiting, { self: 'ada', hasOlder, unreadFrom }).map((line) => {
    if (line.kind === 'message') return `${line.isFirst ? '+' : ''}${line.key}`;
    if (line.kind === 'outgoing') return `${line.isFirst ? '+' : ''}>${line.outgoing.text}`;
    return line.kind;
  });
}

describe('the lines of a conversation', () => {
  it('put messages of one author, that follow soon, under one name', () => {
    expect(
      told([
        message(1, 0),
        message(2, 4),
        message(3, 8, { author: grace }),
        message(4, 20),
        message(5, 26),
      ]),
    ).toEqual(['start', 'day', '+m1', 'm2', '+m3', '+m4', '+m5']);
  });

  it('begin each day', () => {
    expect(told([message(1, 0), message(2, 24 * 60)], [], { hasOlder: true })).toEqual([
      'day',
      '+m1',
      'day',
      '+m2',
    ]);
  });

  it('have the unread line once, below the day, above its first message', () => {
    expect(told([message(1, 0), message(2, 1), message(3, 2)], [], { unreadFrom: 2 })).toEqual([
      'start',
      'day',
      '+m1',
      'unread',
      '+m2',
      'm3',
    ]);
    expect(told([message(1, 0), message(2, 24 * 60)], [], { unreadFrom: 2 })).toEqual([
      'start',
      'day',
      '+m1',
      'day',
      'unread',
      '+m2',
    ]);
  });

  it('show what waits at the end, in the group of its author', () => {
    expect(told([message(1, 0)], [outgoing('a', 'one'), outgoing('b', 'two')])).toEqual([
      'start',
      'day',
      '+m1',
      '>one',
      '>two',
    ]);
  });

  it('show a message once when its event was faster than its answer', () => {
    const waiting = [outgoing('a', 'same'), outgoing('b', 'same')];
    const one = message(2, 1, { text: 'same' });
    expect(told([message(1, 0), one], waiting)).toEqual(['start', 'day', '+m1', 'm2', '>same']);
    const two = message(3, 1, { text: 'same' });
    expect(told([message(1, 0), one, two], waiting)).toEqual(['start', 'day', '+m1', 'm2', 'm3']);
  });

  it('show what waits although the same was sent before it', () => {
    const waiting = [
      outgoing('a', 'same'),
      outgoing('b', 'same'),
      outgoing('c', 'same', { chatId: 'other' }),
    ];
    const sent = message(2, 1, { text: 'same' });
    const left = withoutSent(waiting, 'a', sent);
    expect(left.map(({ key, after }) => [key, after])).toEqual([
      ['b', 2],
      ['c', 1],
    ]);
    const shown = left.filter(({ chatId }) => chatId === 'chat');
    expect(told([message(1, 0), sent], shown)).toEqual(['start', 'day', '+m1', 'm2', '>same']);
    const next = message(3, 1, { text: 'same' });
    expect(told([message(1, 0), sent, next], shown)).toEqual(['start', 'day', '+m1', 'm2', 'm3']);
    expect(withoutSent(waiting, 'b', null).map(({ key }) => key)).toEqual(['a', 'c']);
  });

  it('do not take an older message, or that of another, for what waits', () => {
    const waiting = [outgoing('a', 'same', { after: 2 })];
    const older = message(2, 0, { text: 'same' });
    const others = message(3, 0, { text: 'same', author: grace });
    expect(told([older, others], waiting)).toEqual(['start', 'day', '+m2', '+m3', '+>same']);
  });

  it('keep what was refused until its author has decided', () => {
    const refused = outgoing('a', 'same', { state: 'refused' });
    expect(told([message(1, 0), message(2, 1, { text: 'same' })], [refused])).toContain('>same');
  });
});
