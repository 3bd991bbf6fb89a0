// The messages, in the order in which they were sent. The newest are at the bottom; who reads further up stays where they are,
// whatever comes above or below.
import { Button, Loader } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useSession } from '../../lib/session';
import { type Conversation, type Message, mostKept, type useConversation } from './conversation';
import { linesOf } from './lines';
import { MessageLine } from './message';
import classes from './message-list.module.css';
import { firstUnread } from './messages';
import type { Outgoing } from './outgoing';
import { OutgoingLine } from './outgoing-line';
import { useIsLookedAt, useMarkRead } from './reading';
import { useStates } from './states';

const dayFormat = new Intl.DateTimeFormat('en', {
  weekday: 'long',
  month: 'long',
  day: 'numeric',
});
const yearFormat = new Intl.DateTimeFormat('en', { dateStyle: 'long' });
/** So near to the end counts as there. */
const nearPx = 60;

export function MessageList({
  chatId,
  talk,
  outgoing,
  isGroup,
  editing,
  setEditing,
}: {
  chatId: string;
  talk: ReturnType<typeof useConversation>;
  outgoing: readonly Outgoing[];
  isGroup: boolean;
  editing: string | undefined;
  setEditing: (id: string | undefined) => void;
}) {
  const { me } = useSession();
  const self = me?.id;
  const { conversation, messages, hasOlder, unreadAtOpening } = talk;
  const states = useStates(chatId);
  const [isAtEnd, setAtEnd] = useState(true);
  const isLookedAt = useIsLookedAt();
  const isSeen = isAtEnd && isLookedAt;
  const unread = useUnreadLine({ messages, self, unreadAtOpening, isSeen });
  const lines = useMemo(
    () => linesOf(messages, outgoing, { self, hasOlder, unreadFrom: unread.from }),
    [messages, outgoing, self, hasOlder, unread.from],
  );
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 48,
    getItemKey: (index) => lines[index]?.key ?? index,
    overscan: 12,
    anchorTo: 'end',
    paddingStart: 12,
    paddingEnd: 8,
  });
  useMarkRead(chatId, messages, self, isSeen, unreadAtOpening);

  // Where reading begins: at the line, or at the end.
  const placed = useRef<'early' | 'finally'>(undefined);
  const [isSettled, setSettled] = useState(false);
  const unreadAt = lines.findIndex(({ kind }) => kind === 'unread');
  useLayoutEffect(() => {
    // What the cache has is shown before it is known what is unread, and also when that cannot be asked.
    const now = unreadAtOpening === undefined ? 'early' : 'finally';
    if (placed.current === 'finally' || placed.current === now || lines.length === 0) return;
    placed.current = now;
    // Once the rows are measured. Until then the top is in view, and the past would be read.
    requestAnimationFrame(() => {
      if (unreadAt >= 0) virtual.scrollToIndex(unreadAt, { align: 'center' });
      else virtual.scrollToEnd();
      setTimeout(() => {
        setAtEnd(virtual.isAtEnd(nearPx));
        setSettled(true);
      }, 60);
    });
  }, [lines, unreadAt, unreadAtOpening, virtual]);
  // Who is at the end stays there, however much comes at once.
  const seenAt = useRef({ top: 0, height: 0 });
  const height = virtual.getTotalSize();
  // biome-ignore lint/correctness/useExhaustiveDependencies: what comes makes it higher
  useLayoutEffect(() => {
    if (isSettled && isAtEnd) virtual.scrollToEnd();
  }, [isSettled, isAtEnd, height, lines.length, virtual]);
  // A chat may be open for days. Who is at the end misses nothing of the distant past.
  const isLong = messages.length > mostKept;
  useEffect(() => {
    if (isSettled && isAtEnd && isLong) conversation.trim();
  }, [isSettled, isAtEnd, isLong, conversation]);
  // What the reader has written is shown to them.
  const lastOwn = outgoing.at(-1)?.key;
  useEffect(() => {
    if (!lastOwn) return;
    setAtEnd(true);
    virtual.scrollToEnd();
  }, [lastOwn, virtual]);

  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const { isLoadingOlder, error } = talk;
  useEffect(() => {
    if (isSettled && first < 20 && hasOlder && !isLoadingOlder && !error) conversation.loadOlder();
  }, [isSettled, first, hasOlder, isLoadingOlder, error, conversation]);
  // What is unread is above, until its line was in view.
  const inView = (virtual.scrollOffset ?? 0) - 40;
  const isLineAbove = (items.find(({ index }) => index === unreadAt)?.start ?? -1) < inView;
  const isAbove = isSettled && unread.isPending && (unreadAt < 0 || isLineAbove);
  const { passed } = unread;
  useEffect(() => {
    if (isSettled && unreadAt >= 0 && !isLineAbove) passed();
  }, [isSettled, unreadAt, isLineAbove, passed]);
  const isSought = useRef(false);
  useEffect(() => {
    if (!isSought.current || unreadAt < 0) return;
    isSought.current = false;
    virtual.scrollToIndex(unreadAt, { align: 'center' });
  }, [unreadAt, virtual]);
  const toUnread = async () => {
    setAtEnd(false);
    if (unreadAt >= 0) return virtual.scrollToIndex(unreadAt, { align: 'center' });
    isSought.current = true;
    await loadBack(conversation, self, unreadAtOpening ?? 0);
  };

  return (
    <div className={classes.around}>
      {isAbove && (
        <Button
          className={classes.above}
          size="compact-sm"
          radius="xl"
          leftSection={<ArrowUp size={14} />}
          onClick={toUnread}
        >
          {unreadAtOpening} unread
        </Button>
      )}
      <div
        ref={scroller}
        className={classes.scroller}
        data-settled={isSettled || undefined}
        role="log"
        aria-label="Messages"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by the keyboard
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight } }) => {
          const isEnd = virtual.isAtEnd(nearPx);
          const { top, height } = seenAt.current;
          seenAt.current = { top: scrollTop, height: scrollHeight };
          // Rows that are measured move the end; only the reader goes up while nothing grows.
          const isLeft = scrollTop < top - 1 && scrollHeight === height;
          if (isEnd && !isAtEnd) conversation.trim();
          if (isEnd || isLeft) setAtEnd(isEnd);
        }}
      >
        {isLoadingOlder && (
          <div className={classes.older}>
            <Loader size="xs" role="status" aria-label="Loading older messages" />
          </div>
        )}
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map(({ index, start, key }) => {
            const line = lines[index];
            return (
              line && (
                <div
                  key={key}
                  data-index={index}
                  ref={virtual.measureElement}
                  className={classes.place}
                  style={{ transform: `translateY(${start}px)` }}
                >
                  {line.kind === 'start' && (
                    <p className={classes.start}>
                      {messages.length === 0
                        ? 'Nobody has written yet. The first message is yours.'
                        : `This is where the ${isGroup ? 'group' : 'chat'} begins.`}
                    </p>
                  )}
                  {line.kind === 'day' && (
                    <p className={classes.day}>
                      <time dateTime={line.at}>{dayOf(line.at)}</time>
                    </p>
                  )}
                  {line.kind === 'unread' && <p className={classes.unread}>New</p>}
                  {line.kind === 'message' && (
                    <MessageLine
                      message={line.message}
                      isFirst={line.isFirst}
                      isOwn={line.message.author.id === self}
                      conversation={conversation}
                      isEditing={editing === line.key}
                      setEditing={setEditing}
                      told={states.get(line.key)}
                    />
                  )}
                  {line.kind === 'outgoing' && me && (
                    <OutgoingLine outgoing={line.outgoing} isFirst={line.isFirst} me={me} />
                  )}
                </div>
              )
            );
          })}
        </div>
      </div>
      {!isAtEnd && (
        <Button
          className={classes.down}
          size="compact-sm"
          radius="xl"
          variant={unread.hasNew ? 'filled' : 'default'}
          leftSection={<ArrowDown size={14} />}
          onClick={() => {
            setAtEnd(true);
            virtual.scrollToEnd();
          }}
        >
          {unread.hasNew ? 'New messages' : 'Newest'}
        </Button>
      )}
    </div>
  );
}

/** Where the line "New" stands: fixed when the chat is opened, and set again when something comes that is not seen. */
function useUnreadLine({
  messages,
  self,
  unreadAtOpening,
  isSeen,
}: {
  messages: readonly Message[];
  self: string | undefined;
  unreadAtOpening: number | undefined;
  isSeen: boolean;
}) {
  const [from, setFrom] = useState<number>();
  const [isPending, setPending] = useState(false);
  const [hasNew, setNew] = useState(false);
  const last = useRef<number>(undefined);
  const isFound = useRef(false);
  /** The last that was there at the opening: what came since is not among the unread of then. */
  const opened = useRef<number>(undefined);
  useLayoutEffect(() => {
    if (unreadAtOpening === undefined || messages.length === 0) return;
    if (!isFound.current && unreadAtOpening > 0) {
      opened.current ??= messages.at(-1)?.number ?? 0;
      const before = messages.filter(({ number }) => number <= (opened.current ?? 0));
      const first = firstUnread(before, self, unreadAtOpening);
      isFound.current = first !== undefined;
      if (first !== undefined) setFrom(first);
    }
    const newest = messages.at(-1)?.number ?? 0;
    if (last.current === undefined) {
      setPending(unreadAtOpening > 0);
      setNew(unreadAtOpening > 0);
      last.current = newest;
    } else if (newest > last.current) {
      const arrived = messages.filter(({ number }) => number > (last.current ?? 0));
      last.current = newest;
      const own = arrived.some(({ author }) => author.id === self);
      const other = arrived.find(({ author }) => author.id !== self);
      if (own) {
        // Who answers has read.
        isFound.current = true;
        setFrom(undefined);
        setPending(false);
      } else if (other && !isSeen && !hasNew) setFrom(other.number);
      if (other) setNew(true);
    }
  }, [messages, unreadAtOpening, self, isSeen, hasNew]);
  const isNewSeen = hasNew && isSeen;
  useEffect(() => {
    if (isNewSeen) setNew(false);
  }, [isNewSeen]);
  const passed = useCallback(() => setPending(false), []);
  return { from, isPending, hasNew, passed };
}

/** Reads back until the first unread is there, or there is no more, or it is too far. */
async function loadBack(
  conversation: Conversation,
  self: string | undefined,
  count: number,
): Promise<void> {
  for (let pages = 0; pages < 20; pages += 1) {
    const { messages, hasOlder, error } = conversation.get();
    if (firstUnread(messages, self, count) !== undefined || !hasOlder || error) return;
    await conversation.loadOlder();
  }
}

function dayOf(at: string): string {
  const [date, today] = [new Date(at), new Date()];
  const days = Math.round((midnight(today) - midnight(date)) / 86_400_000);
  if (days === 0) return 'Today';
  if (days === 1) return 'Yesterday';
  return (date.getFullYear() === today.getFullYear() ? dayFormat : yearFormat).format(date);
}

function midnight(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
