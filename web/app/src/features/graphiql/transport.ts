// Sends operations as who is signed in, by a client of its own: its line is that of what runs here, and it repeats nothing, so
// that failures are seen. It shares the session as another tab would. Answers reach GraphiQL as they came, `extensions` included.
// Subscriptions resume after a lost line, and each of their events and of the answers of live queries is kept to be looked at.
import type { Fetcher, FetcherParams, Observable } from '@graphiql/toolkit';
import {
  createClient,
  type IssuedSession,
  type MillraceError,
  type Result,
} from '@millrace/client';
import { getOperationAST, type OperationDefinitionNode, parse } from 'graphql';
import { sessions } from '../../lib/millrace';
import { addArrival, type PatchStep, rememberResponse, updateSeen } from './seen';

export const client = createClient({
  url: new URL('/graphql', globalThis.location.href).href,
  sessions,
  attempts: 1,
});

/** Ends what runs. */
let stop = () => {};
export const stopRunning = () => stop();

export const fetcher: Fetcher = (params, options) => {
  const document = options?.documentAST ?? parse(params.query);
  const operation = getOperationAST(document, params.operationName);
  // GraphiQL's own question about the schema is not the reader's.
  const isOwn = params.operationName !== 'IntrospectionQuery';
  if (isOwn) updateSeen({ refusal: undefined, issued: undefined, arrivals: [], events: 0 });
  const isLive = operation?.directives?.some(({ name }) => name.value === 'live');
  const isStream =
    operation?.operation === 'subscription' || (operation?.operation === 'query' && isLive);
  const answer = isStream ? stream(params) : post(params, operation, options?.headers);
  // Errors are those of the wire, of which GraphiQL shows the JSON.
  return answer as unknown as ReturnType<Fetcher>;
};

async function post(
  params: FetcherParams,
  operation: OperationDefinitionNode | null | undefined,
  headers: Record<string, string> = {},
): Promise<Result> {
  const named = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const result = await client.execute(operationOf(params), { headers: Object.fromEntries(named) });
  rememberResponse(result);
  const issued = operation ? issuedBy(operation, result) : undefined;
  updateSeen({ refusal: result.errors?.find(({ extensions }) => extensions?.code), issued });
  return result;
}

function stream(params: FetcherParams): Observable<Result> {
  const subscribe = (sink: {
    next(result: Result): void;
    error(cause: unknown): void;
    complete(): void;
  }) => {
    let patch: readonly PatchStep[] | undefined;
    stop = client.run(
      operationOf(params),
      {
        next: (result) => {
          rememberResponse(result);
          addArrival(result, patch);
          patch = undefined;
          updateSeen({ refusal: result.errors?.[0] });
          sink.next(result);
        },
        error: (error) => {
          updateSeen({ refusal: error.errors[0] });
          sink.error(readable(error));
        },
        complete: () => sink.complete(),
      },
      {
        onPatch: (steps) => {
          patch = steps;
        },
      },
    );
    return { unsubscribe: stop };
  };
  return { subscribe: subscribe as Observable<Result>['subscribe'] };
}

function operationOf({ query, operationName, variables }: FetcherParams) {
  return {
    query,
    ...(operationName && { operationName }),
    variables: { ...(variables as Record<string, unknown> | undefined) },
  };
}

/** The errors as they came, or what there was in place of an answer. */
function readable(error: MillraceError): unknown {
  return error.errors.length > 0 ? error.errors : { message: error.message };
}

/** The session that `signIn`, `register` or `refresh` returned, whatever the operation called it. */
function issuedBy(operation: OperationDefinitionNode, { data }: Result) {
  if (operation.operation !== 'mutation' || !data) return undefined;
  for (const selection of operation.selectionSet.selections) {
    if (selection.kind !== 'Field') continue;
    if (!['signIn', 'register', 'refresh'].includes(selection.name.value)) continue;
    const { session, user } = ((data as Record<string, unknown>)[
      selection.alias?.value ?? selection.name.value
    ] ?? {}) as { session?: IssuedSession; user?: { id?: string; name?: string } };
    if (session?.accessToken && user?.id)
      return { session, userId: user.id, name: user.name ?? 'this user' };
  }
  return undefined;
}
