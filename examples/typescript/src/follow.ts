// A subscription that goes on where it stopped, however often its line is cut.
import { createClient } from 'graphql-ws';
import type { TypedDocumentString } from './generated/graphql';
import { authorization } from './session';

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
    }
    status('reconnecting');
    await new Promise((resolve) => setTimeout(resolve, 200 + 800 * Math.random()));
  }
}

/** Errors come back as a list, and some of them pass; a cut line is a close event. */
function isFinal(error: unknown): boolean {
  if (!Array.isArray(error)) return error instanceof CloseEvent && error.code === 4403;
  return !['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED'].includes(error[0]?.extensions?.code);
}
