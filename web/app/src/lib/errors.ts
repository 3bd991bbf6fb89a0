// Whatever failed, as one kind of error that pages can show.
import { type FormattedError, MillraceError } from '@millrace/client';
import type { CombinedError } from '@urql/core';

/** What may be gone at the next try, which comes after this long, beyond those of the client. */
export const passing = new Set(['NETWORK', 'UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);
export const retryMs = 3_000;

export function asFailure(cause: CombinedError | Error): MillraceError {
  if (cause instanceof MillraceError) return cause;
  if ('networkError' in cause && cause.networkError instanceof MillraceError)
    return cause.networkError;
  if ('graphQLErrors' in cause)
    return MillraceError.of(cause.graphQLErrors as readonly FormattedError[]);
  return new MillraceError('NETWORK', cause.message, { cause });
}

/** What happened, and what to do about it. */
export function explain(failure: MillraceError): string {
  switch (failure.code) {
    case 'NETWORK':
    case 'UNAVAILABLE':
    case 'TIMEOUT':
      return 'The gateway did not answer. Try again in a moment.';
    case 'RATE_LIMITED': {
      const seconds = failure.retryAfterSeconds;
      return seconds
        ? `That was too often. Try again in ${seconds} s.`
        : 'That was too often. Try again later.';
    }
    case 'FORBIDDEN':
      return 'Your role does not allow this.';
    case 'UNAUTHENTICATED':
      return failure.reason === 'INVALID' ? sentence(failure.message) : 'Sign in to do this.';
    case 'INTERNAL':
      return `Something failed that is not your fault${failure.requestId ? ` (request ${failure.requestId})` : ''}.`;
    default:
      return sentence(failure.message);
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
