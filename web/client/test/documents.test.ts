// The file for gateways that run trusted documents alone has all that this client sends by itself.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { WebSocketServer, WebSocket as WsSocket } from 'ws';
import { documents } from '../src/documents.ts';
import { createClient, memoryStore } from '../src/index.ts';

const file: Record<string, string> = JSON.parse(
  readFileSync(new URL('../documents.json', import.meta.url), 'utf8'),
);

it('the file has the documents of the source', () => {
  const named = Object.entries(documents).map(([name, text]) => [`millrace-client:${name}`, text]);
  expect(file).toEqual(Object.fromEntries(named));
});

it('nothing else is sent', async () => {
  const own = {
    query: '{ me { id } }',
    like: 'mutation { like(input: {}) { x } }',
    rename: 'mutation { rename(input: {}) { x } }',
    subscription: 'subscription ($after: String) { n(after: $after) }',
  };
  const sent = new Set<string>();
  let issued = 0;
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const { query } = JSON.parse(String(init?.body));
    sent.add(query);
    const accessTokenExpiresAt = new Date(Date.now() - 1_000).toISOString();
    const session = {
      accessToken: `t${issued++}`,
      refreshToken: `r${issued}`,
      accessTokenExpiresAt,
    };
    return Response.json({
      data: { entered: { session, user: { id: 'one' } } },
      extensions: { readAfter: `w${sent.size}` },
    });
  };
  const server = new WebSocketServer({ port: 0, handleProtocols: () => 'graphql-transport-ws' });
  server.on('connection', (socket) =>
    socket.on('message', (text) => {
      const { type, id, payload } = JSON.parse(String(text));
      // Without a cursor, which the client then asks for.
      if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (type !== 'subscribe') return;
      sent.add(payload.query);
      const answer = { data: {}, extensions: { cursor: 'c' } };
      socket.send(JSON.stringify({ id, type: 'next', payload: answer }));
    }),
  );
  const { port } = server.address() as { port: number };
  const open = (transport: 'websocket' | 'event-stream') =>
    createClient({
      url: `http://127.0.0.1:${port}/graphql`,
      name: `documents-${transport}`,
      transport,
      webSocketImpl: WsSocket,
      queue: memoryStore(),
      fetch,
    });
  const client = open('websocket');
  const sink = { next: () => {}, error: () => {}, complete: () => {} };
  client.run({ query: own.subscription }, sink);
  await expect.poll(() => sent.has(own.subscription)).toBe(true);
  await client.register({ email: 'e', password: 'p', name: 'n' });
  await client.signOut({ everywhere: true });
  await client.signIn({ email: 'e', password: 'p' });
  // What was written is waited for by an empty query, all but the last.
  await client.mutate({ query: own.like });
  await client.mutate({ query: own.rename });
  await client.query({ query: own.query });
  await client.signOut();
  client.dispose();
  const streaming = open('event-stream');
  streaming.run({ query: own.subscription }, sink);
  await expect.poll(() => sent.has(documents.nothing)).toBe(true);
  streaming.dispose();
  server.close();
  for (const text of Object.values(own)) expect(sent.delete(text)).toBe(true);
  expect([...sent].sort()).toEqual(Object.values(file).sort());
});
