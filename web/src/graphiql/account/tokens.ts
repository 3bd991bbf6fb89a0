// The tokens of the session, in memory only. Any script on this page could use them from wherever
// they are, so the page runs none but its own (its Content-Security-Policy); memory keeps them from
// what reads the disk, from other tabs and from later visitors. handover.ts survives a reload.
// The access token is renewed at two thirds of its time, and by one request at a time, since a
// refresh token may be used once.
import { send } from '../gateway';
import { handOver, takeHandedOver } from './handover';
import { type Refusal, refusalOf } from './refusal';
import type { User } from './store';

export type IssuedSession = {
  accessToken: string;
  accessTokenExpiresAt?: string;
  refreshToken?: string;
};

/** Taken over from the page before, a session has no access token until it is renewed. */
type Tokens = { access?: string; refresh?: string; renewAt: number; endsAt: number };

/** What happened to the tokens: another session began, the same goes on, or there is none. */
export type TokenChange =
  | { kind: 'begun'; user?: User }
  | { kind: 'renewed'; user?: User }
  | { kind: 'ended'; notice?: string };

const renewAfter = 2 / 3;
/** Before it ends an access token is no longer used: a request takes time to arrive. */
const marginMs = 500;
const retryMs = 5_000;
/** Timers hold no longer delays. */
const longestTimerMs = 2 ** 31 - 1;

const ended = 'Your session has ended. Sign in again.';
const refreshDocument = `mutation RenewSession($input: RefreshInput!) {
  refresh(input: $input) {
    session { accessToken accessTokenExpiresAt refreshToken }
    user { id name role email }
  }
}`;

let tokens: Tokens | undefined;
let renewing: Promise<boolean> | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<(change: TokenChange) => void>();

export function onTokens(listener: (change: TokenChange) => void): void {
  listeners.add(listener);
}

/** Begins a session, whatever was before. `serverTimeMs` is when the gateway issued it. */
export function begin(session: IssuedSession, serverTimeMs: number, user?: User): void {
  keep(session, serverTimeMs);
  tell({ kind: 'begun', ...(user && { user }) });
}

/** The same session with the tokens that a `refresh` run in the editor gave. */
export function proceed(session: IssuedSession, serverTimeMs: number, user?: User): void {
  const kind = tokens ? 'renewed' : 'begun';
  keep(session, serverTimeMs);
  tell({ kind, ...(user && { user }) });
}

export function end(notice?: string): void {
  if (!tokens) return;
  tokens = undefined;
  clearTimeout(timer);
  tell({ kind: 'ended', ...(notice && { notice }) });
}

/** The value of `Authorization`, renewed first if its time is over; nothing when signed out. */
export async function authorization(): Promise<string | undefined> {
  if (tokens && Date.now() >= tokens.endsAt - marginMs) await renew();
  return currentAuthorization();
}

export function currentAuthorization(): string | undefined {
  return tokens?.access && `Bearer ${tokens.access}`;
}

/** Gets new tokens; callers meanwhile share the request. Whether there are valid ones now. */
export function renew(): Promise<boolean> {
  renewing ??= exchange(tokens?.refresh).finally(() => {
    renewing = undefined;
  });
  return renewing;
}

/** After `sent` was refused: whether trying again with the current token can succeed. */
export async function recover(sent: string | undefined, refusal: Refusal): Promise<boolean> {
  if (!sent || refusal.code !== 'UNAUTHENTICATED' || refusal.reason === 'MISSING') return false;
  if (sent !== currentAuthorization()) return tokens !== undefined;
  if (refusal.reason === 'REVOKED') {
    end(ended);
    return false;
  }
  return renew();
}

/** Takes the session over from the page before; false when it left none. */
export function restore(): boolean {
  const refresh = takeHandedOver();
  // While a refresh token is under way nobody knows which one is valid: none is left behind.
  handOver(() => (renewing ? undefined : tokens?.refresh));
  if (!refresh) return false;
  tokens = { refresh, renewAt: 0, endsAt: 0 };
  renew();
  return true;
}

async function exchange(refreshToken: string | undefined): Promise<boolean> {
  const before = tokens;
  if (!refreshToken) {
    if (before && Date.now() >= before.endsAt) end(ended);
    return false;
  }
  try {
    // Without `Authorization`: an expired access token would refuse the request.
    const variables = { input: { refreshToken } };
    const { result, serverTimeMs } = await send({ query: refreshDocument, variables });
    // Somebody signed in or out meanwhile.
    if (tokens !== before) return tokens !== undefined;
    const renewed = result.data?.refresh as
      | { session: IssuedSession; user: User }
      | null
      | undefined;
    if (renewed) {
      proceed(renewed.session, serverTimeMs, renewed.user);
      return true;
    }
    const refusal = refusalOf(result.errors);
    if (refusal?.code === 'UNAUTHENTICATED') {
      end(ended);
      return false;
    }
    schedule((refusal?.retryAfterSeconds ?? 0) * 1000 || retryMs);
  } catch {
    // The gateway is not there; it may come back before the token's time is over, or after.
    if (tokens === before) schedule(retryMs);
  }
  return false;
}

function keep(session: IssuedSession, serverTimeMs: number): void {
  // By the gateway's clock, so that one that is wrong here does not matter.
  const lifetimeMs = session.accessTokenExpiresAt
    ? Date.parse(session.accessTokenExpiresAt) - serverTimeMs
    : Number.POSITIVE_INFINITY;
  const now = Date.now();
  tokens = {
    access: session.accessToken,
    ...(session.refreshToken && { refresh: session.refreshToken }),
    renewAt: now + lifetimeMs * renewAfter,
    endsAt: now + lifetimeMs,
  };
  schedule(tokens.renewAt - now);
}

function schedule(delayMs: number): void {
  clearTimeout(timer);
  if (tokens?.refresh && delayMs <= longestTimerMs) timer = setTimeout(renew, delayMs);
}

// A timer does not run while the machine sleeps.
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && tokens && Date.now() >= tokens.renewAt) renew();
});

function tell(change: TokenChange): void {
  for (const listener of listeners) listener(change);
}
