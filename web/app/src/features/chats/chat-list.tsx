// The list of chats: the last message of each, how many are unread, and whether the other is here.
import { Badge, Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { Users } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { Failed, FailedLine } from '../../components/failed';
import { Lines } from '../../components/page';
import { type PresenceOf, usePresence } from '../../components/presence';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar, UserNameParts } from '../../components/user-name';
import type { ChatRowFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLaidOver } from '../../lib/laid-over';
import { useLiveList } from '../../lib/live-list';
import { inOrder } from '../../lib/search';
import { useSession } from '../../lib/session';
import classes from './chat-list.module.css';
import { useDraft } from './drafts';
import { nameOf, partnerOf } from './names';
import { useUnreadCounts } from './unread';

void UserNameParts;
export const ChatRow = graphql(`
  fragment ChatRow on Chat {
    id kind title version unreadCount lastActivityAt
    members { user { ...UserName } }
    lastMessage { id text deletedAt author { id name } }
  }
`);
const ChatPage = graphql(`
  query ChatPage($first: Int!, $after: String, $filter: ChatFilter, $sort: ChatSort) {
    chats(first: $first, after: $after, filter: $filter, sort: $sort) {
      pageInfo { hasNextPage endCursor }
      nodes { ...ChatRow }
    }
  }
`);
const ChatChanges = graphql(`
  subscription ChatChanges($after: String) {
    myChats(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      chatId
      chat { ...ChatRow }
    }
  }
`);

const compare = inOrder<ChatRowFragment>('DESC', ({ lastActivityAt }) => lastActivityAt);

export function ChatList({
  kind,
  text,
  openId,
  empty,
}: {
  kind: 'GROUP' | 'DIRECT' | undefined;
  text: string;
  openId: string | undefined;
  empty: ReactNode;
}) {
  const { me } = useSession();
  const list = useLiveList({
    page: ChatPage,
    connection: ({ chats }) => chats,
    changes: ChatChanges,
    // Without a chat the reader is no member any more.
    change: ({ myChats: { chatId, chat, type, actor, occurredAt } }) =>
      chat ? { row: chat, type, actor, at: occurredAt } : { gone: chatId },
    filter: kind && { kind: { eq: kind } },
    compare,
    // Each row has its members.
    most: 40,
  });
  const { hasMore, isLoadingMore, isFollowed, loadMore, error } = list;
  // That one has read is no change of the chat, and a new chat is on no page of the cache.
  const rows = useLaidOver(list.rows, useUnreadCounts());
  const sought = text.trim().toLowerCase();
  const shown = useMemo(
    () =>
      sought ? rows.filter((chat) => nameOf(chat, me?.id).toLowerCase().includes(sought)) : rows,
    [rows, sought, me?.id],
  );
  const presence = usePresence(rows.flatMap((chat) => partnerOf(chat, me?.id)?.id ?? []));
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 60,
    getItemKey: (index) => shown[index]?.id ?? index,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    const isDue = sought !== '' || last >= rows.length - 15;
    // Again after each page: one may add nothing, and yet not be the last.
    if (isFollowed && hasMore && !isLoadingMore && !error && isDue) loadMore();
  }, [isFollowed, hasMore, isLoadingMore, error, last, rows.length, loadMore, sought]);

  if (list.isLoading && !error) return <Lines count={8} />;
  if (error && rows.length === 0) return <Failed error={error} retry={list.restart} />;
  if (rows.length === 0 && !hasMore) return empty;
  return (
    <div className={classes.around}>
      {list.arrived > 0 && (
        <Button
          className={classes.arrived}
          size="compact-sm"
          radius="xl"
          onClick={() => {
            list.showArrived();
            scroller.current?.scrollTo({ top: 0, behavior: 'smooth' });
          }}
        >
          {list.arrived} new
        </Button>
      )}
      <nav
        ref={scroller}
        aria-label="Your chats"
        className={classes.scroller}
        onScroll={({ currentTarget }) => list.scrolled(currentTarget.scrollTop > 40)}
        onKeyDown={moveFocus}
      >
        {shown.length === 0 && <p className={classes.none}>No chat has this name.</p>}
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start, size }) => {
            const chat = shown[index];
            return (
              chat && (
                <div
                  key={chat.id}
                  className={classes.place}
                  style={{ transform: `translateY(${start}px)`, height: size }}
                >
                  <Row
                    chat={chat}
                    isOpen={chat.id === openId}
                    isNew={list.changed.has(chat.id)}
                    presence={presence}
                  />
                </div>
              )
            );
          })}
        </div>
      </nav>
      {error && (
        <div className={classes.failed}>
          <FailedLine error={error} retry={hasMore ? loadMore : list.restart} />
        </div>
      )}
    </div>
  );
}

function Row({
  chat,
  isOpen,
  isNew,
  presence,
}: {
  chat: ChatRowFragment;
  isOpen: boolean;
  isNew: boolean;
  presence: ReadonlyMap<string, PresenceOf>;
}) {
  const { me } = useSession();
  const draft = useDraft(chat.id);
  const partner = partnerOf(chat, me?.id);
  const { lastMessage, unreadCount } = chat;
  const isUnread = unreadCount > 0;
  return (
    <Link
      to="/chats/$id"
      params={{ id: chat.id }}
      search
      className={classes.row}
      data-open={isOpen || undefined}
      data-new={isNew || undefined}
      data-unread={isUnread || undefined}
      aria-current={isOpen ? 'page' : undefined}
    >
      {partner ? (
        <UserAvatar person={{ ...partner, ...presence.get(partner.id) }} size={36} />
      ) : (
        <span className={classes.group} aria-hidden>
          <Users size={18} />
        </span>
      )}
      <span className={classes.texts}>
        <span className={classes.line}>
          <span className={classes.name}>{nameOf(chat, me?.id)}</span>
          <span className={classes.at}>
            <RelativeTime at={chat.lastActivityAt} />
          </span>
        </span>
        <span className={classes.line}>
          <span className={classes.last}>
            {draft && !isOpen ? (
              <>
                <span className={classes.draft}>Draft:</span> {draft}
              </>
            ) : (
              lastMessage && (
                <>
                  {lastMessage.author.id === me?.id
                    ? 'You: '
                    : !partner && `${lastMessage.author.name.split(' ')[0]}: `}
                  {lastMessage.text ?? 'Message deleted'}
                </>
              )
            )}
            {!draft && !lastMessage && 'No messages yet'}
          </span>
          {isUnread && (
            <Badge size="sm" circle={unreadCount < 10} aria-label={`${unreadCount} unread`}>
              {unreadCount > 99 ? '99+' : unreadCount}
            </Badge>
          )}
        </span>
      </span>
    </Link>
  );
}

/** Up and down go from chat to chat. */
function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!step) return;
  const links = [...event.currentTarget.querySelectorAll('a')].sort(
    (a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top,
  );
  const next = links[links.indexOf(event.target as HTMLAnchorElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
