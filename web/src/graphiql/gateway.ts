// One operation over HTTP to the gateway this page came from. Knows nothing of accounts: whoever
// calls adds what identifies them.
import type { FetcherParams } from '@graphiql/toolkit';
import type { ExecutionResult } from 'graphql-ws';

const endpoint = '/graphql';

export type Answer = {
  result: ExecutionResult;
  /** The gateway's clock when it answered, in milliseconds: at most a second ahead, never behind. */
  serverTimeMs: number;
};

export async function send(
  params: FetcherParams,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json;q=0.9',
      ...headers,
    },
    body: JSON.stringify(params),
  });
  const text = await response.text();
  // The header has whole seconds, those that have passed.
  const date = Date.parse(response.headers.get('date') ?? '') + 1000;
  try {
    return { result: JSON.parse(text), serverTimeMs: Number.isNaN(date) ? Date.now() : date };
  } catch {
    throw new Error(`The gateway answered ${response.status} without JSON: ${text.slice(0, 500)}`);
  }
}
