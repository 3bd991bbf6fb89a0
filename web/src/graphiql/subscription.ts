// Subscriptions over the page's socket, which reconnects for as long as one is wanted. One that
// declares `$after` continues after the last event it received, so a lost connection, a renewed
// token or another user loses and repeats nothing; others start anew from the present.
import type { FetcherParams, Observable } from '@graphiql/toolkit';
import type { OperationDefinitionNode } from 'graphql';
import type { ExecutionResult, Sink, SubscribePayload } from 'graphql-ws';
import { refusalOf } from './account/refusal';
import { readSession, rememberResponse, updateSession } from './session';
import { client, recoverSocket } from './socket';

export function subscription(
  params: FetcherParams,
  operation: OperationDefinitionNode,
  currentCursor: () => Promise<string | undefined>,
): Observable<ExecutionResult> {
  const resumable = operation.variableDefinitions?.some((v) => v.variable.name.value === 'after');
  // graphql-ws sends this object again when it reconnects: moving `after` forward resumes.
  const variables: Record<string, unknown> = { ...params.variables };
  const payload = { ...params, variables } as SubscribePayload;

  function subscribe(sink: Sink<ExecutionResult>) {
    const stopping = new AbortController();
    let dispose = () => {};
    let events = 0;
    let hasRecovered = false;
    updateSession({ events });

    const start = async () => {
      if (resumable && variables.after == null) {
        // From now on, but named: a connection lost before the first event then loses nothing.
        // Without an answer the socket's own retries decide.
        variables.after = await currentCursor().catch(() => undefined);
      }
      if (stopping.signal.aborted) return;
      dispose = client.subscribe(payload, {
        next: (result) => {
          if (stopping.signal.aborted) return;
          const cursor = rememberResponse(result);
          if (resumable && cursor) variables.after = cursor;
          events += 1;
          hasRecovered = false;
          updateSession({ events, refusal: refusalOf(result.errors) });
          sink.next(result as ExecutionResult);
        },
        error: fail,
        complete: () => {
          // Stopped between two tries, nothing is tried any more.
          if (readSession().socket === 'retrying') updateSession({ socket: 'idle' });
          // After a stop GraphiQL may already run the next operation: telling it would end that one.
          if (!stopping.signal.aborted) sink.complete();
        },
      });
    };

    /** Goes on with a new token if that was what was missing, once until the next event. */
    const fail = async (cause: unknown) => {
      const canRecover = !hasRecovered && (await recoverSocket(cause));
      hasRecovered = true;
      if (stopping.signal.aborted) return;
      if (canRecover) {
        start();
        return;
      }
      updateSession({ socket: 'idle', refusal: refusalOf(cause) });
      sink.error(readable(cause));
    };
    start();

    return {
      unsubscribe: () => {
        stopping.abort();
        dispose();
      },
    };
  }
  return { subscribe: subscribe as Observable<ExecutionResult>['subscribe'] };
}

/** GraphQL errors are shown as they came; the fields of a close event are getters, so spelled out. */
function readable(cause: unknown): unknown {
  if (!(cause instanceof CloseEvent)) return cause;
  return { message: `The gateway closed the connection: ${cause.code} ${cause.reason}`.trim() };
}
