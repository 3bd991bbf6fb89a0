// One POST to the gateway. Knows nothing of sessions and retries: an answer, or an error with the code NETWORK or ABORTED.
import { asError, MillraceError } from './errors.ts';
import { formOf } from './form.ts';
import type { Payload, Result } from './types.ts';

export interface Answer {
  result: Result;
  status: number;
  /** The gateway's clock when it answered, in milliseconds: at most a second ahead, never behind. */
  serverTimeMs: number;
  /** What the header Retry-After asks for, as proxies before the gateway send it. */
  retryAfterMs: number | undefined;
}

export interface Sending {
  url: string;
  fetch: typeof fetch;
  timeoutMs: number;
}

export async function post(
  { url, fetch, timeoutMs }: Sending,
  payload: Payload,
  authorization?: string,
  { signal, headers }: { signal?: AbortSignal; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let text: string;
  const form = formOf(payload);
  try {
    response = await fetch(url, {
      method: 'POST',
      headers: {
        // The type of a form, with its boundary, is set by what sends it.
        ...(form ? { 'graphql-preflight': '1' } : { 'content-type': 'application/json' }),
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...(authorization && { authorization }),
        ...headers,
      },
      body: form ?? JSON.stringify(payload),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    text = await response.text();
  } catch (cause) {
    if (signal?.aborted) throw new MillraceError('ABORTED', 'The operation was aborted', { cause });
    throw new MillraceError('NETWORK', `No answer from ${url}: ${asError(cause).message}`, {
      cause,
    });
  }
  // The header has whole seconds, those that have passed.
  const date = Date.parse(response.headers.get('date') ?? '') + 1000;
  return {
    result: parse(text, response.status),
    status: response.status,
    serverTimeMs: Number.isNaN(date) ? Date.now() : date,
    retryAfterMs: retryAfter(response.headers.get('retry-after')),
  };
}

/** An answer that is none of GraphQL comes from something in between. */
function parse(text: string, status: number): Result {
  try {
    const result = JSON.parse(text);
    if (typeof result === 'object' && result && ('data' in result || 'errors' in result))
      return result;
  } catch {
    // Told below.
  }
  const code = status >= 500 || status === 429 ? 'UNAVAILABLE' : 'BAD_REQUEST';
  const message = `HTTP ${status} without a GraphQL answer: ${text.slice(0, 200)}`;
  return { errors: [{ message, extensions: { code } }] };
}

/** Seconds, or a date. */
function retryAfter(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
