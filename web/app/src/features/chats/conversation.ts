// The messages of one chat, read page by page from the newest backwards, and followed from the first page's cursor.

import { MillraceError } from '@millrace/client';
import type { Client } from '@urql/core';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { useClient } from 'urql';
import { pipe, subscribe } from 'wonka';
import type { MessagePartsFragment } from '../../generated/graphql';
import { asFailure, passing, retryMs } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { millrace } from '../../lib/millrace';
import { MessageParts } from './message-parts';
import { emptyLog, type Log, merged, told, withNewest } from './messages';
import { onSent } from './outgoing';

void MessageParts;
const MessagePage = graphql(`
  query MessagePage($id: ID!, $first: Int!, $after: String) {
    chat(id: $id) {
      id
      unreadCount
      messages(first: $first, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { ...MessageParts }
      }
    }
  }
`);
const ChatEvents = graphql(`
  subscription ChatEvents($id: ID!, $after: String) {
    chatEvents(id: $id, after: $after) { type message { ...MessageParts } }
  }
`);

export type Message = MessagePartsFragment;

interface State {
  messages: readonly Message[];
  hasOlder: boolean;
  isLoading: boolean;
  isLoadingOlder: boolean;
  error: Error | undefined;
  /** It does not exist, or the reader is no member any more. */
  isGone: boolean;
  /** What was unread when the chat was opened. */
  unreadAtOpening: number | undefined;
}

/** What the reader is changing, shown before it is answered. */
type Change = { text: string } | { isDeleted: true };

/** Beyond this, what was read of the past is let go when the reader is back at the newest. */
export const mostKept = 2_000;

export class Conversation {
  readonly #urql: Client;
  readonly #chatId: string;
  #state: State = {
    messages: [],
    hasOlder: false,
    isLoading: true,
    isLoadingOlder: false,
    error: undefined,
    isGone: false,
    unreadAtOpening: undefined,
  };
  #shown: State = this.#state;
  #log: Log<Message> = emptyLog;
  readonly #changes = new Map<string, Change>();
  #endCursor: string | null = null;
  readonly #stops = new Set<() => void>();
  #isFollowed = false;
  #retrying: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(urql: Client, chatId: string) {
    this.#urql = urql;
    this.#chatId = chatId;
  }

  readonly get = () => this.#shown;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** `isAgain`: events were missed or let go, so what is here gives way to what is read. */
  start(isAgain = false): void {
    this.#isFollowed = false;
    this.#stops.add(
      onSent((message, chatId) => {
        if (chatId === this.#chatId) this.#keep(told(this.#log, message));
      }),
    );
    const failed = (code: string) => {
      if (passing.has(code) && !this.#isFollowed) this.#later(this.restart);
    };
    const next = (chat: PageOf, cursor: string | undefined) => {
      if (!chat) return this.#set({ isGone: true, isLoading: false });
      const before = isAgain && cursor !== undefined ? emptyLog : this.#log;
      const log = withNewest<Message>(before, chat.messages.nodes);
      const [first] = before.messages;
      const isReplaced = first === undefined || log.messages[0]?.id !== first.id;
      if (isReplaced) this.#endCursor = chat.messages.pageInfo.endCursor ?? null;
      this.#keep(log, {
        isGone: false,
        error: undefined,
        isLoading: false,
        ...(isReplaced && { hasOlder: chat.messages.pageInfo.hasNextPage }),
        ...(cursor !== undefined &&
          this.#state.unreadAtOpening === undefined && { unreadAtOpening: chat.unreadCount }),
      });
      if (cursor === undefined || this.#isFollowed) return;
      this.#isFollowed = true;
      this.#follow(cursor);
    };
    this.#read(50, null, next, failed);
  }

  stop(): void {
    clearTimeout(this.#retrying);
    for (const stop of this.#stops) stop();
    this.#stops.clear();
  }

  readonly restart = () => {
    this.stop();
    this.#set({ isLoadingOlder: false, error: undefined });
    this.start(true);
  };

  readonly loadOlder = async (): Promise<void> => {
    if (!this.#state.hasOlder || this.#state.isLoadingOlder) return;
    this.#set({ isLoadingOlder: true });
    await new Promise<void>((done) => {
      this.#stops.add(done);
      this.#read(
        100,
        this.#endCursor,
        (chat, cursor) => {
          if (cursor === undefined) return;
          this.#stops.delete(done);
          done();
          if (!chat) return this.#set({ isGone: true, isLoadingOlder: false });
          const { nodes, pageInfo } = chat.messages;
          this.#endCursor = pageInfo.endCursor ?? null;
          this.#keep(merged(this.#log, nodes), {
            hasOlder: pageInfo.hasNextPage,
            isLoadingOlder: false,
          });
        },
        (code) => {
          this.#stops.delete(done);
          done();
          // Without its first page, or the events since, it begins anew: that comes before a word that goes.
          if (passing.has(code))
            this.#later(() =>
              this.#isFollowed ? this.#set({ error: undefined }) : this.restart(),
            );
        },
      );
    });
  };

  /** Lets the distant past go; it is read again when it is scrolled to. */
  readonly trim = () => {
    if (this.#state.messages.length > mostKept) this.restart();
  };

  /** Shows a change while `act` makes it, and takes it back if that is refused. */
  async change(id: string, change: Change, act: () => Promise<Message | undefined>): Promise<void> {
    this.#changes.set(id, change);
    this.#set({});
    try {
      const message = await act();
      if (message) this.#keep(told(this.#log, message));
    } finally {
      if (this.#changes.get(id) === change) this.#changes.delete(id);
      this.#set({});
    }
  }

  /** What could not be read is tried again, beyond the attempts of the client. */
  #later(again: () => void): void {
    clearTimeout(this.#retrying);
    this.#retrying = setTimeout(again, retryMs);
  }

  /** Past the cache, which would keep each message as long as the page is open. */
  #follow(after: string): void {
    const failed = (failure: MillraceError) => {
      this.#isFollowed = false;
      if (failure.code.startsWith('CURSOR_')) this.restart();
      else if (failure.code === 'NOT_FOUND') this.#set({ isGone: true });
      // What is shown stays; the frame says what is wrong with the session.
      else if (failure.code !== 'UNAUTHENTICATED') {
        this.#set({ error: failure });
        if (passing.has(failure.code)) this.#later(this.restart);
      }
    };
    const stop = millrace.run(
      { query: ChatEvents, variables: { id: this.#chatId, after } },
      {
        next: ({ data }) => {
          const message = data?.chatEvents.message;
          if (message) this.#keep(told(this.#log, message));
        },
        error: failed,
        complete: () => failed(new MillraceError('UNAVAILABLE', 'The events ended')),
      },
    );
    this.#stops.add(stop);
  }

  #read(
    first: number,
    after: string | null,
    next: (chat: PageOf, cursor: string | undefined) => void,
    failed: (code: string) => void,
  ): void {
    const { unsubscribe } = pipe(
      this.#urql.query(
        MessagePage,
        { id: this.#chatId, first, after },
        { requestPolicy: 'cache-and-network' },
      ),
      subscribe(({ data, error, extensions, stale }) => {
        const cursor = stale ? undefined : (extensions?.cursor as string | undefined);
        if (error && !data?.chat) {
          const failure = asFailure(error);
          this.#set({ error: failure, isLoading: false, isLoadingOlder: false });
          queueMicrotask(stop);
          failed(failure.code);
          return;
        }
        if (data && (data.chat || cursor !== undefined)) next(data.chat, cursor);
        // Events tell the rest.
        if (cursor !== undefined) queueMicrotask(stop);
      }),
    );
    const stop = () => {
      this.#stops.delete(stop);
      unsubscribe();
    };
    this.#stops.add(stop);
  }

  #keep(log: Log<Message>, more: Partial<State> = {}): void {
    this.#log = log;
    this.#set({ ...more, messages: log.messages });
  }

  #set(more: Partial<State>): void {
    this.#state = { ...this.#state, ...more };
    const now = new Date().toISOString();
    const messages =
      this.#changes.size === 0
        ? this.#state.messages
        : this.#state.messages.map((message) => {
            const change = this.#changes.get(message.id);
            if (!change) return message;
            return 'text' in change
              ? { ...message, text: change.text, editedAt: now }
              : { ...message, text: null, deletedAt: now };
          });
    this.#shown = { ...this.#state, messages };
    for (const listener of this.#listeners) listener();
  }
}

type PageOf =
  | {
      unreadCount: number;
      messages: {
        pageInfo: { hasNextPage: boolean; endCursor?: string | null | undefined };
        nodes: readonly Message[];
      };
    }
  | null
  | undefined;

export function useConversation(chatId: string) {
  const urql = useClient();
  const conversation = useMemo(() => new Conversation(urql, chatId), [urql, chatId]);
  useEffect(() => {
    conversation.start();
    return () => conversation.stop();
  }, [conversation]);
  const state = useSyncExternalStore(conversation.subscribe, conversation.get);
  return { conversation, ...state };
}
