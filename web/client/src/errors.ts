// The one error that this client throws. Its `code` is that of the first error with one, as docs/client/errors.md lists
// them, or one of this client's own: NETWORK, ABORTED, OUTDATED, QUEUE_FULL.

export interface FormattedError {
  message: string;
  path?: readonly (string | number)[];
  extensions?: Record<string, unknown>;
}

export interface Violation {
  field: string;
  code: string;
  message: string;
}

export type ErrorCode =
  | 'VALIDATION'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'CURSOR_INVALID'
  | 'CURSOR_EXPIRED'
  | 'READ_AFTER_TIMEOUT'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'BAD_REQUEST'
  | 'LIMIT_EXCEEDED'
  | 'PERSISTED_QUERY_NOT_FOUND'
  | 'PERSISTED_QUERY_NOT_SUPPORTED'
  | 'DOCUMENT_NOT_TRUSTED'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'METHOD_NOT_ALLOWED'
  | 'BATCHING_DISABLED'
  | 'TIMEOUT'
  | 'UNAVAILABLE'
  | 'INTERNAL'
  /** There was no answer. A mutation may have been done; under the same key it is done once. */
  | 'NETWORK'
  /** The caller's signal, or `dispose`. */
  | 'ABORTED'
  /** A queued mutation may have been sent so long ago that its key is forgotten: whether it was done is unknown. */
  | 'OUTDATED'
  | 'QUEUE_FULL'
  // Codes of later gateways stay readable.
  | (string & {});

/** The codes of failures that may be gone at the next attempt. */
export const passing: ReadonlySet<string> = new Set([
  'NETWORK',
  'UNAVAILABLE',
  'TIMEOUT',
  'RATE_LIMITED',
  'INTERNAL',
]);

export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  /** All errors of the answer. */
  readonly errors: readonly FormattedError[];
  /** What was answered beside the errors. */
  readonly data: unknown;
  /** With VALIDATION: which fields break which rules. */
  readonly violations: readonly Violation[];
  /** With UNAUTHENTICATED: MISSING, INVALID, EXPIRED, NOT_YET_VALID or REVOKED. */
  readonly reason: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** Names the request in the gateway's log. */
  readonly requestId: string | undefined;
  /** With which code the socket was closed, when that is what failed. */
  readonly closeCode: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      errors?: readonly FormattedError[];
      data?: unknown;
      closeCode?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.errors = more.errors ?? [];
    this.data = more.data;
    this.closeCode = more.closeCode;
    const extensions = firstCoded(this.errors)?.extensions ?? {};
    this.violations = (extensions.violations as Violation[] | undefined) ?? [];
    this.reason = extensions.reason as string | undefined;
    this.retryAfterSeconds = extensions.retryAfterSeconds as number | undefined;
    this.requestId = extensions.requestId as string | undefined;
  }

  /** The error for an answer with errors. */
  static of(errors: readonly FormattedError[], data?: unknown): MillraceError {
    const first = firstCoded(errors);
    const message = (first ?? errors[0])?.message ?? 'The gateway answered with an error';
    return new MillraceError(codeOf(errors) ?? 'INTERNAL', message, { errors, data });
  }
}

function firstCoded(errors: readonly FormattedError[]): FormattedError | undefined {
  return errors.find((error) => typeof error.extensions?.code === 'string');
}

/** What a request meets that was refused for its token while the session is there and cannot be renewed yet. */
export function notRenewed(): MillraceError {
  const message = 'The token was refused, and could not be renewed yet';
  const extensions = { code: 'UNAVAILABLE' };
  return MillraceError.of([{ message, extensions }]);
}

export function codeOf(errors: readonly FormattedError[] | undefined): string | undefined {
  return firstCoded(errors ?? [])?.extensions?.code as string | undefined;
}

/** Anything that was thrown, as this client's error. */
export function asError(cause: unknown): MillraceError {
  if (cause instanceof MillraceError) return cause;
  if (cause instanceof Error && cause.name === 'AbortError')
    return new MillraceError('ABORTED', 'The operation was aborted', { cause });
  const message = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('NETWORK', message, { cause });
}
