// What the gateway said when it did not do what was asked: the first error that has a code.

export type Refusal = {
  code: string;
  message: string;
  /** With UNAUTHENTICATED: MISSING, INVALID, EXPIRED, NOT_YET_VALID or REVOKED. */
  reason?: string;
  /** With RATE_LIMITED. */
  retryAfterSeconds?: number;
  /** With VALIDATION. */
  violations?: { field: string; message: string }[];
  /** The whole request was refused before anything ran, so that it may be sent again. */
  nothingRan: boolean;
};

type GraphQLErrorLike = {
  message?: unknown;
  path?: unknown;
  extensions?: Record<string, unknown>;
};

export function refusalOf(errors: unknown): Refusal | undefined {
  if (!Array.isArray(errors)) return undefined;
  for (const error of errors as GraphQLErrorLike[]) {
    const { code, reason, retryAfterSeconds, violations } = error?.extensions ?? {};
    if (typeof code !== 'string') continue;
    return {
      code,
      message: String(error.message),
      ...(typeof reason === 'string' && { reason }),
      ...(typeof retryAfterSeconds === 'number' && { retryAfterSeconds }),
      ...(Array.isArray(violations) && { violations }),
      nothingRan: error.path === undefined,
    };
  }
  return undefined;
}
