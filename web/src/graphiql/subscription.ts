// Subscriptions over one graphql-transport-ws socket, which reconnects for as long as one is
// wanted. A subscription that declares `$after` continues after the last event it received, so a
// lost connection loses and repeats nothing; others start anew from the present.
import type { FetcherParams, Observable } from '@graphiql/toolkit';
import type { OperationDefinitionNode } from 'graphql';
import { createClient, type ExecutionResult, type Sink, type SubscribePayload } from 'graphql-ws';
import { rememberResponse, updateSession } from './session';

const retryDelayMaxMs = 15_000;

const client = createClient({
  url: () => new URL('/graphql', window.location.href).href.replace(/^http/, 'ws'),
  keepAlive: 10_000,
  retryAttempts: Number.POSITIVE_INFINITY,
  retryWait: (retries) => {
    const ceilingMs = Math.min(retryDelayMaxMs, 250 * 2 ** Math.min(retries, 10));
    // Half fixed, half random: clients of a restarted gateway must not return all at once.
    return new Promise((resolve) => setTimeout(resolve, ceilingMs * (0.5 + Math.random() / 2)));
  },
  on: {
    connecting: (isRetry) => updateSession({ socket: isRetry ? 'retrying' : 'connecting' }),
    connected: () => updateSession({ socket: 'connected' }),
    closed: (event) =>
      updateSession({ socket: (event as CloseEvent).code === 1000 ? 'idle' : 'retrying' }),
  },
});

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
          updateSession({ events });
          sink.next(result as ExecutionResult);
        },
        error: (cause) => {
          updateSession({ socket: 'idle' });
          if (!stopping.signal.aborted) sink.error(readable(cause));
        },
        // After a stop GraphiQL may already run the next operation: telling it would end that one.
        complete: () => stopping.signal.aborted || sink.complete(),
      });
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
