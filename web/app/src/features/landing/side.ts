// One person of the demonstration: a client of their own, what they have received, and a ledger of it.
//
// A chat, a post and a customer are followed by subscriptions that resume. Each of their events has the version of its object, so
// the ledger knows whether one was missed or came twice; nothing is taken on trust.
import { type Client, createClient, type Document, memoryStore, webStore } from '@millrace/client';
import type {
  DemoChatFragment,
  DemoCustomerFragment,
  DemoMessageFragment,
  DemoPostFragment,
} from '../../generated/graphql';
import { type DemoPerson, demoSession } from '../../lib/demo';
import { goOn } from '../../lib/events';
import { ChatEvents, CustomerEvents, PostEvents, type Stage } from './documents';
import { CuttableLine } from './line';

export interface SideState {
  messages: readonly DemoMessageFragment[];
  post: DemoPostFragment;
  customer: DemoCustomerFragment;
  /** How many events came in all, and which were missed or came twice. */
  received: number;
  missed: number;
  doubled: number;
}

const shownMessages = 30;

export class Side {
  readonly person: DemoPerson;
  readonly client: Client;
  readonly line = new CuttableLine();
  #state: SideState | undefined;
  /** Of each object the version that the first answer showed, and then that of the last event. */
  readonly #versions = new Map<string, { version: number; isEvent: boolean }>();
  readonly #listeners = new Set<() => void>();
  readonly #stops: (() => void)[] = [];

  constructor(person: DemoPerson) {
    this.person = person;
    this.client = createClient({
      url: new URL('/graphql', location.href).href,
      name: `demo:${person.email}`,
      sessions: sessionsHere(),
      queue: memoryStore(),
      fetch: this.line.fetch,
      webSocketImpl: this.line.webSocketImpl,
      // People wait for it: a quarter of a second, a second at most.
      backoff: { firstMs: 250, longestMs: 1_000 },
    });
  }

  readonly get = () => this.#state;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async enter(): Promise<void> {
    if (await this.client.restore()) return;
    const { session, user } = await demoSession(this.person.email);
    // biome-ignore lint/correctness/useHookAtTopLevel: it is no hook, but what the client calls this
    await this.client.useSession(session, user.id);
  }

  /** Follows what is on the stage, from the cursor of the answer that showed it. */
  follow({ chat, post, customer, cursor }: Stage): void {
    this.#state = {
      messages: chat.messages.nodes.toReversed(),
      post,
      customer,
      received: 0,
      missed: 0,
      doubled: 0,
    };
    for (const { id, version } of [chat, post, customer] as { id: string; version: number }[])
      this.#versions.set(id, { version, isEvent: false });
    this.#stream(ChatEvents, chat.id, cursor, ({ chatEvents }) => this.#heard(chat, chatEvents));
    this.#stream(PostEvents, post.id, cursor, ({ postChanged }) => {
      this.#count(post.id, postChanged.version);
      this.#set({ post: postChanged.post ?? post });
    });
    this.#stream(CustomerEvents, customer.id, cursor, ({ customerChanged }) => {
      this.#count(customer.id, customerChanged.version);
      this.#set({ customer: customerChanged.customer });
    });
    this.#set({});
  }

  dispose(): void {
    for (const stop of this.#stops) stop();
    this.client.dispose();
  }

  /** When it has ended, it begins anew behind its last event. */
  #stream<Data>(query: Document<Data>, id: string, cursor: string, heard: (data: Data) => void) {
    let after = cursor;
    const begin = (ended: (code: string) => void) =>
      this.client.run<Data>(
        { query, variables: { id, after } },
        {
          next: ({ data, extensions }) => {
            if (typeof extensions?.cursor === 'string') after = extensions.cursor;
            if (data) heard(data);
          },
          error: ({ code }) => {
            this.#set({});
            // There is nothing to go on from.
            if (!code.startsWith('CURSOR_')) ended(code);
          },
          complete: () => ended('UNAVAILABLE'),
        },
      );
    this.#stops.push(goOn(begin));
  }

  #heard(
    chat: DemoChatFragment,
    { version, message }: { version: number; message?: DemoMessageFragment | null | undefined },
  ): void {
    this.#count(chat.id, version);
    const messages = this.#state?.messages ?? [];
    const others = messages.filter(({ id }) => id !== message?.id);
    const all = message ? [...others, message] : others;
    this.#set({ messages: all.slice(-shownMessages) });
  }

  #count(id: string, version: number): void {
    const state = this.#state;
    if (!state) return;
    const before = this.#versions.get(id) ?? { version, isEvent: false };
    // A cursor is never later than what its answer shows, and may be earlier: the first events may be known already.
    if (version > before.version) state.missed += version - before.version - 1;
    else if (before.isEvent) state.doubled += 1;
    this.#versions.set(id, { version: Math.max(version, before.version), isEvent: true });
    state.received += 1;
  }

  #set(more: Partial<SideState>): void {
    if (this.#state) this.#state = { ...this.#state, ...more };
    for (const listener of this.#listeners) listener();
  }
}

function sessionsHere() {
  try {
    return webStore(sessionStorage);
  } catch {
    return memoryStore();
  }
}
