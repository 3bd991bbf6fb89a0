// The reader's own messages that are not answered yet, of all chats, and those that were refused.
//
// What waits is in the client's queue, which outlives the page and sends each once; this says what is in it, and shows a message
// before the queue has it. A refused one is kept here, in this tab, until its author has sent it again or dropped it.
import { MillraceError, newKey, type Waiting } from '@millrace/client';
import { useMemo, useSyncExternalStore } from 'react';
import type { MessagePartsFragment } from '../../generated/graphql';
import { asFailure, explain } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { millrace } from '../../lib/millrace';
import { withoutSent } from './lines';
import { MessageParts } from './message-parts';

void MessageParts;
const SendMessage = graphql(`
  mutation SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) { message { ...MessageParts chat { id } } }
  }
`);

export interface Outgoing {
  /** The idempotency key. */
  key: string;
  chatId: string;
  text: string;
  /** When it was written. */
  at: string;
  /** The number of the last message that was there then. */
  after: number;
  state: 'waiting' | 'refused';
  /** Why it was refused. */
  reason?: string;
}

const keptAt = 'millrace:refused-messages';
let all: readonly Outgoing[] = [];
/** Whose they are. */
let owner: string | undefined;
const listeners = new Set<() => void>();
const sent = new Set<(message: MessagePartsFragment, chatId: string) => void>();

function set(next: readonly Outgoing[]): void {
  all = next;
  try {
    const refused = all.filter(({ state }) => state === 'refused');
    sessionStorage.setItem(`${keptAt}:${owner}`, JSON.stringify(refused));
  } catch {
    // The page may keep nothing, or no more: they stay as long as it does.
  }
  for (const listener of listeners) listener();
}

/** Sends a text, now or when the gateway can be reached. */
export function sendMessage(chatId: string, text: string, after: number): void {
  const key = newKey();
  const at = new Date().toISOString();
  set([...all, { key, chatId, text, at, after, state: 'waiting' }]);
  millrace
    .mutate(
      { query: SendMessage, variables: { input: { chatId, text } } },
      { queue: true, idempotencyKey: key },
    )
    .then(
      ({ data }) => arrived(key, data.sendMessage?.message),
      (cause) => refuse(key, asFailure(cause)),
    );
}

/** Takes a refused one away, to be sent again or not. */
export function dropOutgoing(key: string): void {
  set(all.filter((each) => each.key !== key));
}

function arrived(
  key: string,
  message: (MessagePartsFragment & { chat: { id: string } }) | null | undefined,
): void {
  if (message) for (const listener of sent) listener(message, message.chat.id);
  set(withoutSent(all, key, message));
}

function refuse(key: string, failure: MillraceError): void {
  if (failure.code === 'ABORTED') {
    dropOutgoing(key);
    return;
  }
  const reason =
    failure.code === 'OUTDATED'
      ? 'It may have been sent a day ago. Look before you send it again.'
      : explain(failure);
  set(all.map((each) => (each.key === key ? { ...each, state: 'refused', reason } : each)));
}

function ofQueue({ id, operation }: Waiting): Outgoing | undefined {
  if (!String(operation.query).includes('mutation SendMessage(')) return undefined;
  const { chatId, text } = (operation.variables?.input ?? {}) as Record<string, unknown>;
  if (typeof chatId !== 'string' || typeof text !== 'string') return undefined;
  const after = Number.MAX_SAFE_INTEGER;
  return { key: id, chatId, text, at: new Date().toISOString(), after, state: 'waiting' };
}

/** What other tabs, or this one before it was loaded again, have queued; and without what they have sent. */
async function look(): Promise<void> {
  const waiting = (await millrace.outbox.list()).flatMap((each) => ofQueue(each) ?? []);
  const known = new Set(all.map(({ key }) => key));
  const queued = new Set(waiting.map(({ key }) => key));
  const left = all.filter(
    ({ key, state, after }) =>
      state === 'refused' || after !== Number.MAX_SAFE_INTEGER || queued.has(key),
  );
  const more = waiting.filter(({ key }) => !known.has(key));
  if (more.length > 0 || left.length < all.length) set([...left, ...more]);
}

function begin(): void {
  if (owner === millrace.userId) return;
  owner = millrace.userId;
  let refused: Outgoing[] = [];
  try {
    refused = JSON.parse(sessionStorage.getItem(`${keptAt}:${owner}`) ?? '[]') as Outgoing[];
  } catch {
    // What cannot be read is not there.
  }
  set(owner === undefined ? [] : refused);
  look().catch(() => {});
}

let waits = -1;
millrace.onSession(begin);
millrace.onState(() => {
  if (millrace.state.waiting === waits) return;
  waits = millrace.state.waiting;
  look().catch(() => {});
});
millrace.outbox.onSettled(({ id, operation, result }) => {
  const queued = ofQueue({ id, operation, isTried: true });
  const known = all.find(({ key }) => key === id);
  if (!queued || (known && known.after !== Number.MAX_SAFE_INTEGER)) return;
  const data = result.data as {
    sendMessage?: { message: MessagePartsFragment & { chat: { id: string } } } | null;
  } | null;
  if (!result.errors) return arrived(id, data?.sendMessage?.message);
  if (!known) all = [...all, queued];
  refuse(id, MillraceError.of(result.errors));
});

export function useOutgoing(chatId: string): readonly Outgoing[] {
  begin();
  const every = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => all,
  );
  return useMemo(() => every.filter((each) => each.chatId === chatId), [every, chatId]);
}

/** Is told each own message when it was answered. */
export function onSent(
  listener: (message: MessagePartsFragment, chatId: string) => void,
): () => void {
  sent.add(listener);
  return () => sent.delete(listener);
}
