// What becomes of a socket that is open, on real ones. A token that is renewed is told, and nothing begins anew: what a stream without a
// cursor tells would be lost in between. Whoever leaves takes their socket along. A page that was not looked at asks who is there.
import { afterEach, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createClient, memoryStore } from '../src/index.ts';

type Message = { type: string; id?: string; payload?: Record<string, unknown> };
let server: WebSocketServer;

function serve() {
  server = new WebSocketServer({ port: 0, handleProtocols: () => 'graphql-transport-ws' });
  const sockets: WebSocket[] = [];
  const heard: Message[] = [];
  const tell = (message: Message) => sockets.at(-1)?.send(JSON.stringify(message));
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('message', (text) => {
      const message = JSON.parse(String(text)) as Message;
      heard.push(message);
      if (message.type === 'connection_init') tell({ type: 'connection_ack' });
      if (message.type === 'ping') tell({ type: 'pong' });
    });
  });
  const { port } = server.address() as { port: number };
  return { url: `http://127.0.0.1:${port}/graphql`, sockets, heard, tell };
}

async function until<T>(what: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = what();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** As the gateway makes them: they say whose they are. */
const token = (sub: string, number: number) => `h.${btoa(JSON.stringify({ sub, number }))}.s`;

afterEach(() => {
  server.close();
  vi.unstubAllGlobals();
});

it('a renewed token is told on the open socket, and no subscription is torn down', async () => {
  const { url, sockets, heard, tell } = serve();
  const stores = { sessions: memoryStore(), queue: memoryStore() };
  const client = createClient({ url, webSocketImpl: WebSocket, ...stores });
  const enter = (sub: string, number: number) =>
    // biome-ignore lint/correctness/useHookAtTopLevel: it is no hook, only called like one
    client.useSession({ accessToken: token(sub, number) }, sub);
  await enter('ada', 1);
  const got: unknown[] = [];
  const sink = {
    next: ({ data }: { data?: unknown }) => got.push(data),
    error: (error: Error) => got.push(error),
    complete: () => got.push('complete'),
  };
  client.run({ query: 'subscription { typing }' }, sink);
  const { id = '' } = await until(() => heard.find(({ type }) => type === 'subscribe'));

  for (const number of [2, 3]) {
    await enter('ada', number);
    const authorization = `Bearer ${token('ada', number)}`;
    await until(() => heard.some(({ payload }) => payload?.authorization === authorization));
    tell({ id, type: 'next', payload: { data: { typing: number } } });
  }
  await until(() => got.length === 2);
  expect(got).toEqual([{ typing: 2 }, { typing: 3 }]);
  const counts = (type: string) => heard.filter((message) => message.type === type).length;
  expect([sockets.length, counts('subscribe'), counts('complete')]).toEqual([1, 1, 0]);

  // Another person is another matter.
  await enter('grace', 1);
  await until(() => sockets.length === 2 && counts('subscribe') === 2);
  client.dispose();
});

it('whoever leaves hears nothing more, also when the gateway could not be told', async () => {
  const { url, sockets, heard, tell } = serve();
  const fetch = async () => {
    throw new TypeError('fetch failed');
  };
  const stores = { sessions: memoryStore(), queue: memoryStore() };
  const client = createClient({ url, webSocketImpl: WebSocket, fetch, ...stores });
  await client.useSession({ accessToken: token('ada', 1) }, 'ada');
  const next = vi.fn();
  client.run({ query: 'subscription { typing }' }, { next, error: () => {}, complete: () => {} });
  const { id = '' } = await until(() => heard.find(({ type }) => type === 'subscribe'));
  await expect(client.signOut()).rejects.toMatchObject({ code: 'NETWORK' });
  tell({ id, type: 'next', payload: { data: { typing: 'of Ada' } } });
  await until(() => sockets[0]?.readyState === WebSocket.CLOSED);
  // What comes after it comes as nobody.
  const inits = () => heard.filter(({ type }) => type === 'connection_init');
  const last = await until(() => inits()[1]);
  expect([last.payload, next.mock.calls]).toEqual([undefined, []]);
  client.dispose();
});

it('a page that is looked at again asks whether anybody is there, and does not wait for its timers', async () => {
  const page = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  vi.stubGlobal('document', page);
  const look = () => {
    page.visibilityState = 'visible';
    page.dispatchEvent(new Event('visibilitychange'));
  };
  const { url, sockets, heard } = serve();
  const backoff = { firstMs: 120_000, longestMs: 120_000 };
  const client = createClient({ url, webSocketImpl: WebSocket, backoff, queue: memoryStore() });
  const sink = { next: () => {}, error: () => {}, complete: () => {} };
  client.run({ query: 'subscription { typing }' }, sink);
  await until(() => heard.some(({ type }) => type === 'subscribe'));
  expect(heard.some(({ type }) => type === 'ping')).toBe(false);
  look();
  await until(() => heard.some(({ type }) => type === 'ping'));
  sockets[0]?.terminate();
  await until(() => client.state.status === 'resuming');
  look();
  await until(() => sockets.length === 2);
  client.dispose();
}, 8_000);
