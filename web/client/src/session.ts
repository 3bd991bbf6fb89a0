// The session: who calls, with tokens that are renewed before they end, once for all tabs.
//
// A refresh token is exchanged once. Used again after its successor was used, it ends the session, as nobody can tell a thief
// from the owner. So an exchange is made under a lock of all tabs, and under it the tab first learns what it may have missed:
// from the store, and from the other tabs, which answer with what they have. Only a tab that then still has the tokens with
// which it came exchanges them, and tells the others before it lets go of the lock. Where there are no locks, two exchanges
// within the gateway's grace of ten seconds get the same tokens.
import { quietTimer, sleep } from './backoff.ts';
import { callAll } from './calls.ts';
import { documents } from './documents.ts';
import { codeOf, MillraceError, passing } from './errors.ts';
import type { Answer } from './post.ts';
import type { Tabs } from './tabs.ts';
import { isBefore, lifetimeOf, subjectOf } from './token.ts';
import type { Payload, Store } from './types.ts';

/** What a `signIn`, `register` or `refresh` returns as `session`. */
export interface IssuedSession {
  accessToken: string;
  accessTokenExpiresAt?: string;
  refreshToken?: string;
}

interface Session {
  accessToken: string;
  refreshToken?: string;
  userId?: string;
  /** By this machine's clock, in milliseconds. */
  renewAt: number;
  endsAt: number;
}

/**
 * Another user's session began, or the same goes on under a new token. It `ended` by itself, or its user `left`, here or in another
 * tab, perhaps after it had ended.
 */
export type SessionChange = 'begun' | 'renewed' | 'ended' | 'left';

/** Whether another attempt can succeed: at once, never, or once the session could be renewed. */
export type Recovery = 'yes' | 'over' | 'later';

type Send = (payload: Payload, authorization?: string) => Promise<Answer>;

const renewAfter = 2 / 3;
/** Before its end an access token is no longer used: a request takes time to arrive. */
const marginMs = 500;
const retryMs = 5_000;
/** Between exchanges, however short the rest of a session is. */
const shortestMs = 1_000;
/** How long other tabs have to say what they know. */
const askMs = 50;
const lockPatienceMs = 15_000;
/** A page is shown without a word of the gateway then. */
const restoringMs = 3_000;
/** A session that never ends by itself; JSON has no infinity. */
const never = Number.MAX_SAFE_INTEGER;

export class Sessions {
  #session: Session | null = null;
  /** Whose what is done here is: that of the session, also after it ended by itself, and nobody's after signing out. */
  #subject = '';
  #loading: Promise<void> | undefined;
  #renewing: Promise<Recovery> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #listeners = new Set<(change: SessionChange) => void>();
  readonly #key: string;
  readonly #store: Store;
  readonly #tabs: Tabs;
  readonly #send: Send;
  readonly #token: (() => string | undefined | Promise<string | undefined>) | undefined;

  constructor(
    name: string,
    {
      store,
      tabs,
      send,
      token,
    }: { store: Store; tabs: Tabs; send: Send; token?: Sessions['token'] },
  ) {
    this.#key = `${name}:session`;
    this.#store = store;
    this.#tabs = tabs;
    this.#send = send;
    this.#token = token;
    tabs.listen((message) => {
      if (message.type === 'ask' && this.#session) this.#tell();
      if (message.type === 'session') void this.#hear(parse(message.session), message.isLeft);
    });
    // A timer does not run while the machine sleeps.
    globalThis.document?.addEventListener('visibilitychange', this.#onVisible);
  }

  get token() {
    return this.#token;
  }

  /** The user who is signed in, when the session was begun through this client. */
  get userId(): string | undefined {
    return this.#session?.userId;
  }

  /** Calls the listener after each change; returns what ends that. */
  on(listener: (change: SessionChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The value of `Authorization`, renewed first if its time is over; nothing when nobody is signed in. */
  async authorization(): Promise<string | undefined> {
    if (this.#token) return bearer(await this.#token());
    await this.#load();
    // One that cannot be renewed is sent: whether it is over is for the gateway to say.
    if (this.#session?.refreshToken && isOver(this.#session)) await this.renew();
    return this.current();
  }

  /** Whether there is a session, in the stores or another tab. One that is over is waited for a moment, and renewed all the same. */
  async restore(): Promise<boolean> {
    if (this.#token) return (await this.#token()) !== undefined;
    await this.#load();
    if (this.#session?.refreshToken && isOver(this.#session)) {
      const waiting = new AbortController();
      await Promise.race([this.renew(), sleep(restoringMs, waiting.signal)]);
      waiting.abort();
    }
    return this.#session !== null;
  }

  /** Whose a mutation is that is stored now. Waits for nothing but the stores: no token is renewed for it. */
  async subject(): Promise<string> {
    if (this.#token) return subjectOf(bearer(await this.#token()));
    await this.#load();
    return this.#subject;
  }

  current(): string | undefined {
    return bearer(this.#session?.accessToken);
  }

  /** After `sent` was refused. */
  async recover(sent: string | undefined, reason?: string): Promise<Recovery> {
    if (this.#token) return bearer(await this.#token()) !== sent ? 'yes' : 'over';
    if (sent !== this.current()) return this.#standing();
    if (!sent) return 'over';
    if (reason === 'REVOKED' || (reason === 'EXPIRED' && !this.#session?.refreshToken)) {
      // A tab that slept may not have heard of the session after it, which must not end with it.
      await this.#learn();
      if (sent !== this.current()) return this.#standing();
      await this.#keep(null);
      return 'over';
    }
    return this.renew();
  }

  /** Gets new tokens; callers meanwhile share the exchange. */
  renew(): Promise<Recovery> {
    const before = this.#session?.accessToken;
    this.#renewing ??= this.#tabs
      .lock('session', lockPatienceMs, async () => {
        await this.#learn();
        if (this.#session?.accessToken !== before) return this.#standing();
        return this.#exchange();
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    return this.#renewing;
  }

  /** Signs in, or registers. */
  async enter(field: 'signIn' | 'register', input: Record<string, unknown>): Promise<string> {
    const payload = { query: documents[field], variables: { input } };
    const { result, serverTimeMs } = await this.#send(payload);
    const entered = enteredBy(result.data);
    if (!entered) throw MillraceError.of(result.errors ?? []);
    const { session, user } = entered;
    await this.#begin(issued(session, user.id, leftOfNew(session, serverTimeMs)));
    return user.id;
  }

  /** Goes on with a session that was begun elsewhere, some time ago. */
  async begin(session: IssuedSession, userId?: string): Promise<void> {
    const leftMs = leftOf(session, Date.now());
    const mostMs = lifetimeOf(session.accessToken) ?? leftMs;
    await this.#begin(issued(session, userId, Math.min(leftMs, mostMs)));
  }

  async #begin(session: Session): Promise<void> {
    // What was before does not matter any more.
    this.#loading ??= Promise.resolve();
    await this.#keep(session);
  }

  /**
   * Ends the session. It ends here also when the gateway cannot be told. With `everywhere` all sessions of the user end, or
   * none when the gateway cannot be told.
   */
  async leave({ everywhere = false } = {}): Promise<void> {
    const query = everywhere ? documents.signOutEverywhere : documents.signOut;
    if (everywhere || this.#token) {
      const authorization = await this.authorization();
      if (!authorization) return;
      const { errors } = (await this.#send({ query, variables: {} }, authorization)).result;
      if (errors && everywhere) throw MillraceError.of(errors);
      await this.#keep(null, { isLeft: true });
      return;
    }
    await this.#load();
    const before = this.#session;
    await this.#keep(null, { isLeft: true });
    if (!before) return;
    let { accessToken } = before;
    // The gateway ends the session for a valid token only.
    if (before.refreshToken && isOver(before)) {
      const { result } = await this.#refresh(before.refreshToken);
      accessToken = enteredBy(result.data)?.session.accessToken ?? accessToken;
    }
    await this.#send({ query, variables: {} }, bearer(accessToken));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
    globalThis.document?.removeEventListener('visibilitychange', this.#onVisible);
  }

  #load(): Promise<void> {
    this.#loading ??= this.#learn();
    return this.#loading;
  }

  /** Takes over what the store or another tab has, when that is something else. */
  async #learn(): Promise<void> {
    const before = this.#session;
    const stored = parse(await this.#stored());
    if (stored) this.#adopt(stored);
    if (this.#session !== before) return;
    const told = new Promise<void>((resolve) => {
      this.#told = resolve;
    });
    this.#tabs.tell({ type: 'ask' });
    await Promise.race([told, sleep(askMs)]);
  }

  #told = () => {};

  /** After another session, or none, took the place of one that was refused. */
  #standing(): Recovery {
    return this.#session ? 'yes' : 'over';
  }

  async #exchange(): Promise<Recovery> {
    const before = this.#session;
    if (!before?.refreshToken) {
      if (before && Date.now() >= before.endsAt) await this.#keep(null);
      return 'over';
    }
    let answer: Answer;
    try {
      answer = await this.#refresh(before.refreshToken);
    } catch {
      // The gateway is not there; it may come back before the token's time is over, or after.
      this.#schedule(retryMs);
      return 'later';
    }
    // Somebody signed in or out meanwhile.
    if (this.#session !== before) return this.#standing();
    const entered = enteredBy(answer.result.data);
    if (entered) {
      const { session, user } = entered;
      await this.#keep(issued(session, user.id, leftOfNew(session, answer.serverTimeMs)));
      return 'yes';
    }
    const code = codeOf(answer.result.errors) ?? '';
    if (code === 'UNAUTHENTICATED') {
      await this.#keep(null);
      return 'over';
    }
    this.#schedule(Math.max(retryMs, answer.retryAfterMs ?? 0));
    // What does not pass by itself, such as a document that is not trusted, is not waited for without end.
    return passing.has(code) ? 'later' : 'over';
  }

  /** Without `Authorization`: an expired access token would refuse the request. */
  #refresh(refreshToken: string): Promise<Answer> {
    return this.#send({ query: documents.refresh, variables: { input: { refreshToken } } });
  }

  /** Makes it this tab's session, the store's and the other tabs'. */
  async #keep(session: Session | null, { isLeft = false } = {}): Promise<void> {
    this.#adopt(session, { isNewest: true, isLeft });
    await this.#put(session);
    this.#tell(isLeft);
  }

  /** Another tab has this session. It is stored, too, as each tab may have a store of its own. */
  async #hear(session: Session | null, isLeft = false): Promise<void> {
    if (!this.#adopt(session, { isLeft })) return;
    this.#told();
    await this.#put(session);
  }

  /** What a store has that cannot be read is not there. */
  async #stored(): Promise<string | null> {
    try {
      return await this.#store.get(this.#key);
    } catch {
      return null;
    }
  }

  /**
   * A store may be full, or refuse. The session goes on without it, and what the store has from before must not come back: a refresh
   * token that was exchanged already ends the session.
   */
  async #put(session: Session | null): Promise<void> {
    try {
      if (session) return await this.#store.set(this.#key, JSON.stringify(session));
    } catch {
      // The session is in memory.
    }
    try {
      await this.#store.remove(this.#key);
    } catch {
      // It keeps nothing new, either.
    }
  }

  /** Returns false when it is the session already, or an earlier state of it, which what the gateway has just given never is. */
  #adopt(session: Session | null, { isNewest = false, isLeft = false } = {}): boolean {
    const before = this.#session;
    const isKnown = isNewest || this.#subject !== '';
    if (isLeft) this.#subject = '';
    const isSame =
      before && session && subjectOf(before.accessToken) === subjectOf(session.accessToken);
    if (before?.accessToken === session?.accessToken) {
      // It ended by itself; now its user leaves, too.
      if (isLeft && isKnown) callAll(this.#listeners, 'left');
      return false;
    }
    if (isSame && !isNewest && isBefore(session.accessToken, before.accessToken)) return false;
    this.#session = session;
    if (session) this.#subject = subjectOf(session.accessToken);
    if (session) this.#schedule(delayOf(session));
    else clearTimeout(this.#timer);
    if (session) callAll(this.#listeners, isSame ? 'renewed' : 'begun');
    else callAll(this.#listeners, isLeft ? 'left' : 'ended');
    return true;
  }

  #tell(isLeft = false): void {
    const session = this.#session && JSON.stringify(this.#session);
    this.#tabs.tell({ type: 'session', session, isLeft });
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#session?.refreshToken) return;
    this.#timer = quietTimer(() => void this.renew(), delayMs);
  }

  readonly #onVisible = () => {
    const isDue = this.#session?.refreshToken && Date.now() >= this.#session.renewAt;
    if (isDue && globalThis.document?.visibilityState === 'visible') void this.renew();
  };
}

function issued(session: IssuedSession, userId: string | undefined, leftMs: number): Session {
  const now = Date.now();
  return {
    accessToken: session.accessToken,
    ...(session.refreshToken && { refreshToken: session.refreshToken }),
    ...(userId && { userId }),
    renewAt: now + leftMs * renewAfter,
    endsAt: now + leftMs,
  };
}

/** For how long a token that was issued a moment ago is valid. */
function leftOfNew(session: IssuedSession, serverTimeMs = Date.now()): number {
  return lifetimeOf(session.accessToken) ?? leftOf(session, serverTimeMs);
}

function leftOf({ accessTokenExpiresAt }: IssuedSession, nowMs: number): number {
  return accessTokenExpiresAt ? Date.parse(accessTokenExpiresAt) - nowMs : never - Date.now();
}

/** When to renew it, from now: after its time as the gateway gave it at the latest, and not in a loop where clocks disagree. */
function delayOf({ accessToken, renewAt }: Session): number {
  const wholeMs = (lifetimeOf(accessToken) ?? never) * renewAfter;
  const leastMs = Math.max(Math.min(retryMs, wholeMs), shortestMs);
  return Math.max(Math.min(renewAt - Date.now(), wholeMs), leastMs);
}

/** Nearly, or quite. */
function isOver({ endsAt }: Session): boolean {
  return Date.now() >= endsAt - marginMs;
}

function bearer(token: string | undefined): string | undefined {
  return token && `Bearer ${token}`;
}

function enteredBy(data: unknown): { session: IssuedSession; user: { id: string } } | undefined {
  return (data as { entered?: { session: IssuedSession; user: { id: string } } } | null)?.entered;
}

/** What is not a session, such as what another version left, is none. */
function parse(text: string | null): Session | null {
  try {
    const session = JSON.parse(text ?? 'null') as Session | null;
    return typeof session?.accessToken === 'string' && Number.isFinite(session.endsAt)
      ? session
      : null;
  } catch {
    return null;
  }
}
