// The real graphql-ws client on the ws package, with what the programs need to see of it: its raw
// socket, to cut it, and how often it connected.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { adminAuthorization } from './program.mjs';

/** As the administrator, unless `connectionParams` say otherwise. */
export function connect(base, options = {}) {
  const seen = { connects: 0, sockets: [], socket: undefined, pongs: 0, closed: [] };
  const client = createClient({
    url: `${base.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: adminAuthorization },
    retryAttempts: 0,
    ...options,
    on: {
      connected: (socket) => {
        seen.connects += 1;
        seen.socket = socket;
        seen.sockets.push(socket);
      },
      pong: (received) => {
        if (received) seen.pongs += 1;
      },
      closed: (event) => seen.closed.push(event.code),
    },
  });
  return { client, seen };
}

/** One query or mutation over the socket; fails unless it was answered without errors. */
export async function ask(client, query, variables) {
  for await (const result of client.iterate({ query, variables })) {
    if (result.errors) throw new Error(JSON.stringify(result.errors));
    return result;
  }
  throw new Error('completed without a result');
}

/**
 * Subscribes and collects. `variables` may be moved on by the caller: graphql-ws sends the same
 * object again when it reconnects.
 */
export function collect(client, query, variables, onNext = () => {}) {
  const subscription = { results: [], error: undefined, completed: false, stop: () => {} };
  subscription.stop = client.subscribe(
    { query, variables },
    {
      next: (result) => {
        subscription.results.push(result);
        onNext(result);
      },
      error: (error) => {
        subscription.error = error;
      },
      complete: () => {
        subscription.completed = true;
      },
    },
  );
  return subscription;
}
