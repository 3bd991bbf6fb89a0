// A subscription that goes on where it stopped, however often its line is cut.
import { createClient } from 'graphql-ws';
import type { TypedDocumentString } from './generated/graphql';
import { authorization, renew } from './session';

const client = createClient({
  url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
  connectionParams: authorization,
  // Retrying is done below, as the client would begin with the first cursor again.
  retryAttempts: 0,
});

/** Calls `seen` with every event after the cursor, once and in order. Ends only by an error that no retry can mend. */
export async function follow<Data, Variables extends { after?: string | null | undefined }>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  seen: (data: Data) => void,
  status: (text: string) => void,
): Promise<never> {
  let after = variables.after;
  client.on('connected', () => status('live'));
  for (;;) {
    let waitMs = 0;
    try {
      const events = client.iterate<Data, { cursor: string }>({
        query: document.toString(),
        variables: { ...variables, after },
      });
      for await (const { data, errors, extensions } of events) {
        if (data) seen(data);
        else console.warn(errors);
        after = extensions?.cursor ?? after;
      }
    } catch (error) {
      if (isFinal(error)) throw error;
      if (isRefusal(error)) {
        if (!(await isRenewed())) throw error;
        // The socket has the old token.
        client.terminate();
      }
      waitMs = 1000 * (listed(error)?.retryAfterSeconds ?? 0);
    }
    status('reconnecting');
    await new Promise((resolve) => setTimeout(resolve, waitMs + 200 + 800 * Math.random()));
  }
}

/** Errors come back as a list; a cut line is a close event. */
function listed(error: unknown): { code?: string; retryAfterSeconds?: number } | undefined {
  return Array.isArray(error) ? (error[0]?.extensions ?? {}) : undefined;
}

/** The token is over, or the session. The socket may have been closed for it, or only what ran on it was ended. */
function isRefusal(error: unknown): boolean {
  if (error instanceof CloseEvent) return error.code === 4403;
  return listed(error)?.code === 'UNAUTHENTICATED';
}

/** Some errors of the gateway pass. */
function isFinal(error: unknown): boolean {
  const code = listed(error)?.code;
  const passing = ['UNAUTHENTICATED', 'UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED'];
  return Array.isArray(error) && !passing.includes(code ?? '');
}

/** A gateway that cannot answer now may do so later. */
function isRenewed(): Promise<boolean> {
  return renew().catch(() => true);
}
