// Whether the page is looked at, and what is read because of it.
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import type { Message } from './conversation';

const MarkChatRead = graphql(`
  mutation MarkChatRead($input: MarkChatReadInput!) {
    markChatRead(input: $input) { chat { id unreadCount } }
  }
`);

const settleMs = 250;

export function isLookedAt(): boolean {
  return document.visibilityState === 'visible' && document.hasFocus();
}

export function useIsLookedAt(): boolean {
  return useSyncExternalStore((listener) => {
    const target = [
      [document, 'visibilitychange'],
      [window, 'focus'],
      [window, 'blur'],
    ] as const;
    for (const [on, event] of target) on.addEventListener(event, listener);
    return () => {
      for (const [on, event] of target) on.removeEventListener(event, listener);
    };
  }, isLookedAt);
}

/** Marks what is in view as read: what was unread when the chat was opened, and each newer message of others. */
export function useMarkRead(
  chatId: string,
  messages: readonly Message[],
  self: string | undefined,
  isSeen: boolean,
  unreadAtOpening: number | undefined,
): void {
  const mark = useAct(MarkChatRead);
  const marked = useRef<number>(undefined);
  const newest = messages.findLast(({ author }) => author.id !== self)?.number ?? 0;
  useEffect(() => {
    if (unreadAtOpening === undefined) return;
    marked.current ??= unreadAtOpening === 0 ? newest : 0;
    const before = marked.current;
    if (!isSeen || newest <= before) return;
    const timer = setTimeout(() => {
      marked.current = newest;
      mark({ input: { id: chatId, upTo: newest } }).catch(() => {
        // It is tried again with the next message, or the next look.
        marked.current = before;
      });
    }, settleMs);
    return () => clearTimeout(timer);
  }, [chatId, newest, isSeen, unreadAtOpening, mark]);
}
