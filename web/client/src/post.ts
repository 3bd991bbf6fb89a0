// One POST to the gateway. Knows nothing of sessions and retries: an answer, or an error with the code NETWORK or ABORTED.
import { asError, type FormattedError, MillraceError } from './errors.ts';
import { formOf } from './form.ts';
import { withAny } from './signals.ts';
import type { Payload, Result } from './types.ts';

export interface Answer {
  result: Result;
  status: number;
  /** The gateway's clock when it answered, in milliseconds, if it says: at most a second ahead, never behind. */
  serverTimeMs: number | undefined;
  /** What the header Retry-After asks for, as proxies before the gateway send it. */
  retryAfterMs: number | undefined;
}

export interface Sending {
  url: string;
  fetch: typeof fetch;
  timeoutMs: number;
}

/** Of the body, the address or the headers. */
const tooLarge = new Set([413, 414, 431]);

export async function post(
  { url, fetch, timeoutMs }: Sending,
  payload: Payload,
  authorization?: string,
  { signal, headers }: { signal?: AbortSignal; headers?: Record<string, string> } = {},
): Promise<Answer> {
  let response: Response;
  let text: string;
  const form = formOf(payload);
  const request = {
    method: 'POST',
    headers: {
      // The type of a form, with its boundary, is set by what sends it.
      ...(form ? { 'graphql-preflight': '1' } : { 'content-type': 'application/json' }),
      accept: 'application/graphql-response+json, application/json;q=0.9',
      ...(authorization && { authorization }),
      ...headers,
    },
    body: form ?? JSON.stringify(payload),
  };
  const send = async (signal: AbortSignal) => {
    const response = await fetch(url, { ...request, signal });
    return [response, await response.text()] as const;
  };
  try {
    [response, text] = await withAny([signal], send, timeoutMs);
  } catch (cause) {
    if (signal?.aborted) throw new MillraceError('ABORTED', 'The operation was aborted', { cause });
    throw new MillraceError('NETWORK', `No answer from ${url}: ${asError(cause).message}`, {
      cause,
    });
  }
  // The header has whole seconds, those that have passed.
  const date = Date.parse(response.headers.get('date') ?? '') + 1000;
  return {
    result: resultOf(text) ?? { errors: [foreignError(text, response.status)] },
    status: response.status,
    serverTimeMs: Number.isNaN(date) ? undefined : date,
    retryAfterMs: retryAfter(response.headers.get('retry-after')),
  };
}

/** The answer, when it is one of GraphQL, as all those of the gateway are. */
export function resultOf(text: string): Result | undefined {
  try {
    const result = JSON.parse(text);
    return isResult(result) ? result : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What stands for the answer of something in between, such as the 404 of a proxy without a backend, or the page of one that wants
 * a sign-in of its own. It says nothing of the operation, which may be tried again, nor of the session, whatever the status. Only
 * a size that was refused will be refused again.
 */
export function foreignError(text: string, status: number): FormattedError {
  const code = tooLarge.has(status) ? 'PAYLOAD_TOO_LARGE' : 'UNAVAILABLE';
  const message = `HTTP ${status} without a GraphQL answer: ${text.slice(0, 200)}`;
  return { message, extensions: { code } };
}

/** Errors of other formats have no `message`, or are no list. */
function isResult(value: unknown): value is Result {
  if (typeof value !== 'object' || value === null) return false;
  const { data, errors } = value as Result;
  if (errors === undefined) return typeof data === 'object';
  return Array.isArray(errors) && errors.every((error) => typeof error?.message === 'string');
}

/** Seconds, or a date. */
function retryAfter(header: string | null): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
