// What the programs here share: clients of this package on the real gateway, and requests to whoever started the program.
import { createClient, memoryStore } from '@millrace/client';
import WebSocket from 'ws';
import { adminAuthorization } from '../../../tests/js/program.mjs';

export { tell } from '../../../tests/js/program.mjs';

let named = 0;

/** A client with the administrator's token, unless it signs in, and a session and queue of its own unless `name` says otherwise. */
export function connect(url, options = {}) {
  named += 1;
  return createClient({
    url,
    name: `e2e-${named}`,
    webSocketImpl: WebSocket,
    queue: memoryStore(),
    backoff: { firstMs: 20, longestMs: 500 },
    ...options,
  });
}

/** The same, without signing in. */
export function connectAsAdmin(url, options = {}) {
  return connect(url, { token: () => adminAuthorization.replace('Bearer ', ''), ...options });
}
