// Queries and mutations over HTTP, repeated where that is right, each as who is signed in when it is sent.
//
// A query is sent again when it had no answer or a passing failure. So is a mutation, under the same idempotency key: the
// gateway does it once, whether the first attempt was lost on the way there or its answer on the way back. Mutations with
// secrets have no such keys, and are sent once. A mutation is repeated as nobody but the user who sent it first.
//
// Queries show what this client wrote: they name what its mutations returned as `readAfter`. A token stands for the read
// models of one mutation, so one is kept for each kind of mutation until a query showed it; of several, all but the last are
// waited for by empty queries. When the read models are too late the answer is fetched without waiting, and says
// `extensions.stale`: one stuck read model must not keep everything from everybody.
import { type Bounds, delayMs, sleep } from './backoff.ts';
import { isSecret, payloadOf, type Reading, read } from './document.ts';
import { documents } from './documents.ts';
import { asError, codeOf, MillraceError, notRenewed, passing } from './errors.ts';
import { type Answer, post, type Sending } from './post.ts';
import type { Recovery, Sessions } from './session.ts';
import type { Status } from './status.ts';
import { subjectOf } from './token.ts';
import type { Operation, Payload, Result } from './types.ts';

export interface RequestOptions {
  /** Ends the waiting. What was sent may be done all the same. */
  signal?: AbortSignal;
  /** Names the mutation. Default: a new one for each call. */
  idempotencyKey?: string;
  /** More headers, with names in small letters. An `authorization` among them stands for that of the session. */
  headers?: Record<string, string>;
}

/** How a request is sent. */
interface How {
  /** As nobody else. */
  user?: string | undefined;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

interface AttemptOptions extends How {
  key: string | undefined;
}

/** What one attempt came to. A passing failure may be gone at the next one. */
export interface Attempt {
  result?: Result;
  failure?: MillraceError;
  /** Of what failed. */
  code: string | undefined;
  isPassing: boolean;
  retryAfterMs: number;
}

/** An application that waits longer should say so, and ask. */
const longestWaitMs = 30_000;
const mostTokens = 8;
/** A failure that is the gateway's own seldom passes. */
const mostInternal = 2;

export class Requests {
  readonly #sending: Sending;
  readonly #attempts: number;
  readonly #bounds: Bounds;
  readonly #sessions: Sessions;
  readonly #status: Status;
  /** The last `readAfter` of mutations with the same root fields. */
  readonly #written = new Map<string, string>();

  constructor(
    options: { sending: Sending; attempts: number; bounds: Bounds },
    sessions: Sessions,
    status: Status,
  ) {
    this.#sending = options.sending;
    this.#attempts = options.attempts;
    this.#bounds = options.bounds;
    this.#sessions = sessions;
    this.#status = status;
    sessions.on((change) => {
      // A token is valid for the user who wrote.
      if (change !== 'renewed') this.#written.clear();
    });
  }

  /** Sends an operation until it is answered; throws only when it was not. */
  async execute(operation: Operation, options: RequestOptions = {}): Promise<Result> {
    const reading = read(operation);
    const isKeyed = reading.kind === 'mutation' && !options.headers?.['idempotency-key'];
    const key = options.idempotencyKey ?? (isKeyed ? newKey() : undefined);
    const mostAttempts = isSecret(reading) ? 1 : this.#attempts;
    const user =
      reading.kind === 'mutation' ? subjectOf(await this.#sessions.authorization()) : undefined;
    let internal = 0;
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.attempt(operation, reading, { ...options, key, user });
      internal = attempt.code === 'INTERNAL' ? internal + 1 : 0;
      const isLong = attempt.retryAfterMs > longestWaitMs;
      const isLast = attempts >= mostAttempts || internal >= mostInternal || isLong;
      if (!attempt.isPassing || isLast) {
        if (attempt.result) return attempt.result;
        throw attempt.failure;
      }
      const waitMs = Math.max(delayMs(attempts - 1, this.#bounds), attempt.retryAfterMs);
      await sleep(waitMs, options.signal);
    }
  }

  /** Sends an operation once, and once more after its token or what it was to wait for turned out to be over. */
  async attempt(
    operation: Operation,
    reading: Reading,
    { key, ...how }: AttemptOptions,
  ): Promise<Attempt> {
    const payload = payloadOf(operation, reading);
    if (key) payload.extensions = { ...payload.extensions, idempotencyKey: key };
    try {
      const isQuery = reading.kind === 'query';
      const answer = await (isQuery ? this.#query(payload, how) : this.#send(payload, how));
      const token = answer.result.extensions?.readAfter;
      if (typeof token === 'string') this.#note(reading.fields.join(), token);
      return attemptOf(answer, isQuery);
    } catch (cause) {
      const failure = asError(cause);
      const isPassing = failure.code === 'NETWORK';
      return { failure, code: failure.code, isPassing, retryAfterMs: 0 };
    }
  }

  /** What was written last and not shown yet. */
  get lastWritten(): string | undefined {
    return [...this.#written.values()].at(-1);
  }

  /** Where the log stands. */
  async cursor(signal?: AbortSignal): Promise<Answer> {
    return this.#send({ query: documents.nothing, variables: {} }, signal && { signal });
  }

  async #query(payload: Payload, how: How): Promise<Answer> {
    const tokens = [...this.#written];
    const last = tokens.pop();
    if (!last || payload.extensions?.readAfter || how.headers?.['read-after'])
      return this.#send(payload, how);
    const wait = (token: string) =>
      this.#send(
        { query: documents.nothing, variables: {}, extensions: { readAfter: token } },
        how,
      );
    const before = await Promise.all(tokens.map(([, token]) => wait(token)));
    const extensions = { ...payload.extensions, readAfter: last[1] };
    const answer = await this.#send({ ...payload, extensions }, how);
    const isLate = ({ result }: Answer) =>
      ['READ_AFTER_TIMEOUT', 'BAD_REQUEST'].includes(codeOf(result.errors) ?? '');
    const answers = [...before, answer];
    for (const [index, [fields, token]] of [...tokens, last].entries()) {
      // Shown, too late, or not known any more, as after a change of the gateway's keys: it is not to be waited for again.
      const waited = answers[index] as Answer;
      const isOver = waited.result.data != null || isLate(waited);
      if (isOver && this.#written.get(fields) === token) this.#written.delete(fields);
    }
    if (!answers.some(isLate)) return answer;
    const bare = await this.#send(payload, how);
    bare.result.extensions = { ...bare.result.extensions, stale: true };
    return bare;
  }

  async #send(payload: Payload, how: How = {}): Promise<Answer> {
    const authorization = await this.#authorization(how.user);
    const answer = await this.#post(payload, authorization, how);
    const isOwn = how.headers?.authorization !== undefined;
    if (isOwn || codeOf(answer.result.errors) !== 'UNAUTHENTICATED') return answer;
    // Only a request that was refused as a whole, before anything ran, is known to have done nothing.
    const refusal = answer.result.errors?.[0];
    if (refusal?.path) return answer;
    const recovery = await this.#recover(authorization, refusal?.extensions?.reason);
    if (recovery === 'over') return answer;
    if (recovery === 'later') return { ...answer, result: { errors: notRenewed().errors } };
    return this.#post(payload, await this.#authorization(how.user), how);
  }

  async #authorization(user: string | undefined): Promise<string | undefined> {
    const authorization = await this.#sessions.authorization();
    if (user === undefined || subjectOf(authorization) === user) return authorization;
    throw new MillraceError('UNAUTHENTICATED', 'Somebody else is signed in by now');
  }

  #recover(authorization: string | undefined, reason: unknown): Promise<Recovery> {
    return this.#sessions.recover(authorization, typeof reason === 'string' ? reason : undefined);
  }

  async #post(payload: Payload, authorization: string | undefined, how: How) {
    try {
      const answer = await post(this.#sending, payload, authorization, how);
      this.#status.reached(true);
      return answer;
    } catch (cause) {
      if ((cause as MillraceError).code === 'NETWORK') this.#status.reached(false);
      throw cause;
    }
  }

  #note(fields: string, token: string): void {
    this.#written.delete(fields);
    this.#written.set(fields, token);
    const oldest = this.#written.keys().next().value;
    if (this.#written.size > mostTokens && oldest !== undefined) this.#written.delete(oldest);
  }
}

/** An idempotency key that no other mutation has. */
export function newKey(): string {
  // Pages without TLS have no randomUUID.
  if (globalThis.crypto.randomUUID) return globalThis.crypto.randomUUID();
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function attemptOf({ result, retryAfterMs }: Answer, isQuery: boolean): Attempt {
  const failed = result.errors?.find((error) => passing.has(String(error.extensions?.code)));
  const { code, retryAfterSeconds } = failed?.extensions ?? {};
  const askedMs = typeof retryAfterSeconds === 'number' ? retryAfterSeconds * 1000 : 0;
  // A page that is there in part is not held back for the rest of it.
  const isPartial = isQuery && Object.values(result.data ?? {}).some((value) => value !== null);
  return {
    result,
    code: code as string | undefined,
    isPassing: failed !== undefined && !isPartial,
    retryAfterMs: Math.max(askedMs, retryAfterMs ?? 0),
  };
}

/** The data of an answer; throws when it has errors. */
export function dataOf<Data>(result: Result): Result<Data> & { data: Data } {
  if (result.errors?.length) throw MillraceError.of(result.errors, result.data);
  return result as Result<Data> & { data: Data };
}
