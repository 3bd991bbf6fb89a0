// The page's one graphql-transport-ws socket. It says who is calling when it opens, again whenever
// the token was renewed, so that what runs on it goes on, and opens anew when somebody else signs
// in: a socket belongs to one user.
import { createClient, TerminatedCloseEvent } from 'graphql-ws';
import { identifying } from './account/account';
import { refusalOf } from './account/refusal';
import { authorization, currentAuthorization, onTokens, recover } from './account/tokens';
import { updateSession } from './session';

const retryDelayMaxMs = 15_000;
/** How long the gateway has to end the operations of a user who signed out. */
const endingMs = 3_000;
/** The gateway's answer to a token that is not valid, or not any more. Trying again changes nothing. */
const forbidden = 4403;

let open: WebSocket | undefined;
/** What the gateway was told on the open socket. */
let told: string | undefined;
/** Sessions seen by this page, and the one that was told of. */
let sessions = 0;
let toldIn = 0;
let isImmediate = false;

export const client = createClient({
  url: () => new URL('/graphql', window.location.href).href.replace(/^http/, 'ws'),
  connectionParams: async () => {
    told = await authorization();
    toldIn = sessions;
    return identifying(told);
  },
  keepAlive: 10_000,
  retryAttempts: Number.POSITIVE_INFINITY,
  // A gateway that cannot be reached gives an event without a code.
  shouldRetry: (cause) =>
    cause instanceof CloseEvent
      ? cause.code !== forbidden
      : cause instanceof Event || cause instanceof TerminatedCloseEvent,
  retryWait: (retries) => {
    const ceilingMs = Math.min(retryDelayMaxMs, 250 * 2 ** Math.min(retries, 10));
    // Half fixed, half random: clients of a restarted gateway must not return all at once.
    const delayMs = isImmediate ? 0 : ceilingMs * (0.5 + Math.random() / 2);
    isImmediate = false;
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  },
  on: {
    connecting: (isRetry) => updateSession({ socket: isRetry ? 'retrying' : 'connecting' }),
    connected: (socket) => {
      open = socket as WebSocket;
      updateSession({ socket: 'connected' });
      // Somebody signed in, or the token was renewed, while the connection was being made.
      if (toldIn === sessions) tellRenewal();
      else reconnect(open);
    },
    closed: (event) => {
      open = undefined;
      updateSession({ socket: (event as CloseEvent).code === 1000 ? 'idle' : 'retrying' });
    },
  },
});

onTokens(({ kind }) => {
  if (kind === 'renewed') {
    tellRenewal();
    return;
  }
  sessions += 1;
  if (kind === 'begun') reconnect(open);
  // The gateway ends what runs and says why; what it does not end must not run on.
  else setTimeout(reconnect, endingMs, open);
});

/** After an operation or the socket was refused: whether a new token makes another try succeed. */
export async function recoverSocket(cause: unknown): Promise<boolean> {
  if (cause instanceof CloseEvent) {
    if (cause.code !== forbidden) return false;
    return recover(told, { code: 'UNAUTHENTICATED', message: cause.reason, nothingRan: true });
  }
  const refusal = refusalOf(cause);
  return refusal !== undefined && recover(told, refusal);
}

function tellRenewal(): void {
  const header = currentAuthorization();
  if (!open || open.readyState !== WebSocket.OPEN || !header || header === told) return;
  told = header;
  open.send(JSON.stringify({ type: 'ping', payload: identifying(header) }));
}

/** Opens the socket anew; what runs on it is subscribed again by graphql-ws. */
function reconnect(socket: WebSocket | undefined): void {
  if (!socket || socket !== open) return;
  isImmediate = true;
  client.terminate();
}
