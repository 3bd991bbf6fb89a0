// The list of chats: the last message of each, how many are unread, and whether the other is here.
import { Badge, Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { SearchX, Users } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { ClearFilters } from '../../components/clear-filters';
import { EmptyState } from '../../components/empty-state';
import { Failed, FailedLine } from '../../components/failed';
import { Lines } from '../../components/page';
import { type PresenceOf, usePresence } from '../../components/presence';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar, UserNameParts } from '../../components/user-name';
import type { ChatRowFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLaidOver } from '../../lib/laid-over';
import { useLiveList } from '../../lib/live-list';
import { toTop } from '../../lib/scroll';
import { inOrder } from '../../lib/search';
import { useSession } from '../../lib/session';
import classes from './chat-list.module.css';
import { useDraft } from './drafts';
import { isFound, nameOf, partnerOf } from './names';
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

/** More of a text has no room in a line, and costs as long as it is. */
const shownChars = 200;
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
  const search = text.trim();
  const filter = {
    ...(search && { search }),
    ...(kind && { kind: { eq: kind } }),
  };
  const list = useLiveList({
    page: ChatPage,
    connection: ({ chats }) => chats,
    changes: ChatChanges,
    // Without a chat the reader is no member any more.
    change: ({ myChats: { chatId, chat, type, actor, occurredAt } }) =>
      chat ? { row: chat, type, actor, at: occurredAt } : { gone: chatId },
    filter,
    compare,
    // Each row has its members.
    most: 40,
  });
  const { hasMore, isLoadingMore, isFollowed, isStale, loadMore, error } = list;
  // That one has read is no change of the chat, and a new chat is on no page of the cache.
  const rows = useLaidOver(list.rows, useUnreadCounts());
  // Until the gateway has answered another search, those that were here and are certain to be found.
  const shown = useMemo(
    () => (isStale ? rows.filter((chat) => isFound(chat, search, kind, me?.id)) : rows),
    [rows, isStale, search, kind, me?.id],
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
  // biome-ignore lint/correctness/useExhaustiveDependencies: each list has a function of its own, and begins at its top
  useEffect(() => {
    scroller.current?.scrollTo({ top: 0 });
  }, [loadMore]);
  useEffect(() => {
    // Again after each page: one may add nothing, and yet not be the last.
    const isDue = isFollowed && hasMore && !isLoadingMore && !error;
    if (isDue && last >= rows.length - 15) loadMore();
  }, [isFollowed, hasMore, isLoadingMore, error, last, rows.length, loadMore]);

  if ((list.isLoading || (isStale && shown.length === 0)) && !error) return <Lines count={8} />;
  if (error && rows.length === 0) return <Failed error={error} retry={list.restart} />;
  if (rows.length === 0 && !hasMore) {
    if (!search && !kind) return empty;
    return (
      <EmptyState
        icon={SearchX}
        title={search ? 'No chat has this title or member' : 'No chat is of this kind'}
        action={<ClearFilters />}
      />
    );
  }
  return (
    <div className={classes.around}>
      {list.arrived > 0 && (
        <Button
          className={classes.arrived}
          size="compact-sm"
          radius="xl"
          onClick={() => {
            list.showArrived();
            toTop(scroller.current);
          }}
        >
          {list.arrived} new
        </Button>
      )}
      <nav
        ref={scroller}
        aria-label="Your chats"
        aria-busy={isStale || undefined}
        className={classes.scroller}
        onScroll={({ currentTarget }) => list.scrolled(currentTarget.scrollTop > 40)}
        onKeyDown={moveFocus}
      >
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
          <span className={classes.name} dir="auto">
            {nameOf(chat, me?.id)}
          </span>
          <span className={classes.at}>
            <RelativeTime at={chat.lastActivityAt} />
          </span>
        </span>
        <span className={classes.line}>
          <span className={classes.last}>
            {draft && !isOpen ? (
              <>
                <span className={classes.draft}>Draft:</span>{' '}
                <bdi>{draft.slice(0, shownChars)}</bdi>
              </>
            ) : (
              lastMessage && (
                <>
                  {lastMessage.author.id === me?.id
                    ? 'You: '
                    : !partner && `${lastMessage.author.name.split(' ')[0]}: `}
                  <bdi>{lastMessage.text?.slice(0, shownChars) ?? 'Message deleted'}</bdi>
                </>
              )
            )}
            {!draft && !lastMessage && 'No messages yet'}
          </span>
          {isUnread && (
            <Badge
              size="sm"
              circle={unreadCount < 10}
              role="img"
              aria-label={`${unreadCount} unread`}
            >
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
