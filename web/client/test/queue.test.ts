// Who waits for what when a mutation is queued: it is stored first, whatever becomes of the network and of the session.
import net from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Client, createClient, memoryStore } from '../src/index.ts';

/** Takes every line, and never answers. */
let silence: net.Server;
let url: string;
let clients: Client[] = [];
let named = 0;

const token = (sub: string, n = 0) => `h.${btoa(JSON.stringify({ sub, n }))}.s`;
const over = (sub: string) => ({
  accessToken: token(sub),
  accessTokenExpiresAt: new Date(Date.now() - 1_000).toISOString(),
  refreshToken: 'r',
});
const mutation = { query: 'mutation { rename(input: {}) { x } }' };
/** What is not a matter of the network is done by then. */
const soon = { timeout: 1_000 };

function open(options: Partial<Parameters<typeof createClient>[0]> = {}) {
  const queue = memoryStore();
  named += 1;
  const client = createClient({
    url,
    name: `queue-${named}`,
    queue,
    transport: 'event-stream',
    ...options,
  });
  clients.push(client);
  const add = () => void client.mutate(mutation, { queue: true }).catch(() => {});
  const users = async () => {
    const texts = await Promise.all((await queue.keys()).map((key) => queue.get(key)));
    return texts.map((text) => JSON.parse(text ?? '').user);
  };
  return { client, add, users };
}

beforeEach(async () => {
  silence = net.createServer((socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => silence.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(silence.address() as net.AddressInfo).port}/graphql`;
});

afterEach(() => {
  for (const client of clients) client.dispose();
  clients = [];
  silence.close();
});

describe('a mutation is stored at once', () => {
  it('when the token is over and nothing answers', async () => {
    const { client, add, users } = open();
    await client.useSession(over('one'), 'one');
    add();
    await vi.waitFor(async () => expect(await users()).toEqual(['one']), soon);
    await vi.waitFor(async () => expect(await client.outbox.list()).toHaveLength(1), soon);
    expect(client.state.waiting).toBe(1);
  });

  it('for its user, when the session has ended by itself', async () => {
    const fetch: typeof globalThis.fetch = async () =>
      Response.json({ errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] });
    const { client, add, users } = open({ fetch });
    await client.useSession(over('one'), 'one');
    await client.restore();
    await vi.waitFor(() => expect(client.userId).toBeUndefined());
    add();
    await vi.waitFor(async () => expect(await users()).toEqual(['one']), soon);
    await vi.waitFor(() => expect(client.state.waiting).toBe(1), soon);
    // It was not sent, however long that lasts.
    expect((await client.outbox.list()).map(({ isTried }) => isTried)).toEqual([false]);
    // Whoever leaves leaves it behind.
    await client.signOut();
    await vi.waitFor(() => expect(client.state.waiting).toBe(0), soon);
    add();
    await vi.waitFor(async () => expect((await users()).sort()).toEqual(['', 'one']), soon);
  });
});

it('a session that is over is restored without an answer, and a page can be shown', async () => {
  const sessions = memoryStore();
  const name = 'restored';
  const first = open({ sessions, name }).client;
  await first.useSession(over('one'), 'one');
  first.dispose();
  const { client } = open({ sessions, name });
  const began = Date.now();
  expect([await client.restore(), client.userId]).toEqual([true, 'one']);
  expect(Date.now() - began).toBeLessThan(20_000);
});

it('signing out ends the session here at once, and at the gateway with a new token', async () => {
  const sent: { query: string; authorization: string | null }[] = [];
  let answer = () => {};
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const { query } = JSON.parse(String(init?.body));
    sent.push({ query, authorization: new Headers(init?.headers).get('authorization') });
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    const session = { accessToken: token('one', 1), refreshToken: 'r2' };
    return Response.json({ data: { entered: { session, user: { id: 'one' } } } });
  };
  const { client } = open({ fetch });
  await client.useSession(
    { ...over('one'), accessTokenExpiresAt: new Date(Date.now() + 100).toISOString() },
    'one',
  );
  const left = client.signOut();
  await vi.waitFor(() => expect(client.userId).toBeUndefined(), soon);
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  answer();
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  answer();
  await left;
  expect(client.userId).toBeUndefined();
  expect(sent[0]?.query).toContain('refresh(');
  expect(sent[1]).toMatchObject({
    query: expect.stringContaining('signOut'),
    authorization: `Bearer ${token('one', 1)}`,
  });
});

it('what something in between answers says nothing of the mutation', async () => {
  const pages: Response[] = [
    new Response('default backend - 404', { status: 404 }),
    new Response('<html>Sign in</html>', { status: 403 }),
    new Response('<html>Sign in</html>', { status: 200 }),
    new Response('no', { status: 401 }),
    new Response('no', { status: 407 }),
    Response.json({ message: 'no Route matched' }, { status: 404 }),
    Response.json({ errors: [{ status: '404', title: 'Not found' }] }, { status: 404 }),
    Response.json({ errors: 'none' }, { status: 400 }),
    new Response('{"data":{"ren', { status: 200 }),
  ];
  const keys = new Set<string>();
  const fetch: typeof globalThis.fetch = async (_, init) => {
    keys.add(JSON.parse(String(init?.body)).extensions.idempotencyKey);
    return pages.shift() ?? Response.json({ data: { ok: true } });
  };
  const { client } = open({ fetch, backoff: { firstMs: 1, longestMs: 5 } });
  await client.useSession({ accessToken: token('one') }, 'one');
  expect((await client.mutate(mutation, { queue: true })).data).toEqual({ ok: true });
  expect([keys.size, client.userId]).toEqual([1, 'one']);
  for (const status of [413, 414, 431]) {
    pages.push(new Response('too large', { status }));
    const refused = client.mutate(mutation, { queue: true });
    await expect(refused).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
  }
});

it('what a page removed from under the queue is waited for no longer', async () => {
  let isReachable = false;
  const fetch: typeof globalThis.fetch = async () => {
    if (!isReachable) throw new TypeError('fetch failed');
    return Response.json({ data: { ok: true } });
  };
  const queue = memoryStore();
  const { client } = open({ fetch, queue, backoff: { firstMs: 1, longestMs: 5 } });
  const lost = client.mutate(mutation, { queue: true }).catch((error) => error);
  await vi.waitFor(async () => expect(await queue.keys()).toHaveLength(1));
  for (const key of await queue.keys()) queue.remove(key);
  // Another may go on meanwhile, and is not lost.
  const kept = client.mutate(mutation, { queue: true });
  isReachable = true;
  expect((await kept).data).toEqual({ ok: true });
  expect(await lost).toMatchObject({ code: 'ABORTED' });
  expect(client.state.waiting).toBe(0);
}, 20_000);
