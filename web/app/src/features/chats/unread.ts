// What is unread: one live query for the rail, the title of the window and the list of chats.
import { useMemo } from 'react';
import type { UnreadChatsQuery } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';

// Without the version: the cache would take what it has of a chat besides for that of this version.
const UnreadChats = graphql(`
  query UnreadChats @live { chats(first: 100) { nodes { id unreadCount lastMessage { id number } } } }
`);

type Unread = NonNullable<UnreadChatsQuery['chats']>['nodes'][number];
const none: readonly Unread[] = [];

/** The chats in which something happened last. */
export function useUnreadChats(): readonly Unread[] {
  const { data } = useLive(UnreadChats, {});
  return data?.chats?.nodes ?? none;
}

/** How many are unread, by the id of the chat. */
export function useUnreadCounts(): ReadonlyMap<string, { unreadCount: number }> {
  const chats = useUnreadChats();
  return useMemo(() => new Map(chats.map(({ id, unreadCount }) => [id, { unreadCount }])), [chats]);
}
