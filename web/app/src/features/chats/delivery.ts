// Says that messages were received: their senders see it. One chat after the other, and no number twice.
import { useEffect, useRef } from 'react';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';

const MarkChatDelivered = graphql(`
  mutation MarkChatDelivered($input: MarkChatDeliveredInput!) {
    markChatDelivered(input: $input) { chat { id } }
  }
`);

export interface Received {
  id: string;
  unreadCount: number;
  lastMessage?: { number: number } | null | undefined;
}

export function useDelivery(chats: readonly Received[]): void {
  const mark = useAct(MarkChatDelivered);
  const marked = useRef(new Map<string, number>());
  const last = useRef<Promise<unknown>>(Promise.resolve());
  useEffect(() => {
    for (const { id, unreadCount, lastMessage } of chats) {
      const upTo = lastMessage?.number ?? 0;
      // What was read was received, too.
      if (unreadCount === 0 || upTo <= (marked.current.get(id) ?? 0)) continue;
      marked.current.set(id, upTo);
      last.current = last.current
        .then(async () => {
          if (marked.current.get(id) === upTo) await mark({ input: { id, upTo } });
        })
        .catch(() => {
          // The next message says it, too.
        });
    }
  }, [chats, mark]);
}
