// Sessions whose renewal fails for a moment, or whose clock is wrong, against a gateway that is played.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Client, createClient, memoryStore, type Options } from '../src/index.ts';

const lifetimeSeconds = 900;
/** By the gateway's clock, in seconds. */
const began = 1_700_000_000;
let named = 0;

/** As the gateway makes them. */
function token(number: number) {
  const iat = began + number;
  const claims = { sub: 'ada', sid: 's', number, iat, exp: iat + lifetimeSeconds };
  return `h.${btoa(JSON.stringify(claims))}.s`;
}

const user = { id: 'user_ada' };
const session = (number: number) => ({ accessToken: token(number), refreshToken: `r${number}` });
const endOf = (number: number) => new Date((began + number + lifetimeSeconds) * 1000).toISOString();
/** The answer to `signIn` and `refresh`. */
const entered = (number: number) =>
  Response.json({
    data: {
      entered: { session: { ...session(number), accessTokenExpiresAt: endOf(number) }, user },
    },
  });
const refusal = { message: 'no', extensions: { code: 'UNAUTHENTICATED', reason: 'EXPIRED' } };

/** A client, and a gateway that takes the tokens of the last session it gave. `exchange` stands for what it answers first. */
function connect({
  exchange,
  ...options
}: { exchange?: () => Response | undefined } & Partial<Options> = {}) {
  const gateway = { valid: 0, refreshes: [] as string[] };
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const { query, variables } = JSON.parse(String(init?.body));
    const headers = new Headers(init?.headers);
    if (query.includes('signIn')) return entered(gateway.valid);
    if (query.includes('refresh(')) {
      gateway.refreshes.push(variables.input.refreshToken);
      const other = exchange?.();
      if (other) return other;
      gateway.valid += 1;
      return entered(gateway.valid);
    }
    const isRefused = headers.get('authorization') !== `Bearer ${token(gateway.valid)}`;
    const answer = isRefused ? { data: null, errors: [refusal] } : { data: { n: gateway.valid } };
    if (!headers.get('accept')?.includes('event-stream')) return Response.json(answer);
    const text = `event: next\ndata: ${JSON.stringify(answer)}\n\nevent: complete\ndata:\n\n`;
    return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
  };
  named += 1;
  const client = createClient({
    url: 'http://gateway.example/graphql',
    name: `sessions-${named}`,
    transport: 'event-stream',
    backoff: { firstMs: 1, longestMs: 5 },
    queue: memoryStore(),
    fetch,
    ...options,
  });
  return { client, gateway };
}

describe('a renewal that fails for a moment', () => {
  const once = (failure: () => Response) => {
    const failures = [failure];
    return () => failures.shift()?.();
  };
  const failures: [string, () => Response][] = [
    ['at a proxy', () => new Response('<html>', { status: 503 })],
    [
      'at the gateway',
      () => Response.json({ errors: [{ message: 'no', extensions: { code: 'UNAVAILABLE' } }] }),
    ],
    [
      'on the way',
      () => {
        throw new TypeError('fetch failed');
      },
    ],
  ];

  describe.each(failures)('%s', (_, failure) => {
    it('ends no stream', async () => {
      const { client, gateway } = connect({ exchange: once(failure) });
      // The gateway takes another token than this one by now.
      await client.useSession(session(0), user.id);
      gateway.valid = 1;
      const sink = { next: vi.fn(), error: vi.fn(), complete: vi.fn() };
      client.run({ query: 'subscription { n }' }, sink);
      await vi.waitFor(() => expect(sink.complete).toHaveBeenCalled());
      expect(sink.error).not.toHaveBeenCalled();
      expect(sink.next.mock.calls.map(([{ data }]) => data)).toEqual([{ n: 2 }]);
      expect(gateway.refreshes).toEqual(['r0', 'r0']);
      client.dispose();
    });

    it('is waited out by a query, too', async () => {
      const { client, gateway } = connect({ exchange: once(failure) });
      await client.useSession(session(0), user.id);
      gateway.valid = 1;
      expect((await client.query({ query: '{ n }' })).data).toEqual({ n: 2 });
      client.dispose();
    });
  });

  it('ends what was sent when it does not pass', async () => {
    const untrusted = { message: 'no', extensions: { code: 'DOCUMENT_NOT_TRUSTED' } };
    const { client, gateway } = connect({ exchange: () => Response.json({ errors: [untrusted] }) });
    await client.useSession(session(0), user.id);
    gateway.valid = 1;
    await expect(client.query({ query: '{ n }' })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    expect(client.userId).toBe(user.id);
    client.dispose();
  });
});

describe('a user who leaves', () => {
  async function tabs(exchange?: () => Response) {
    const name = `leaving-${named}`;
    const both = [1, 2].map(() => connect({ name, ...(exchange && { exchange }) }));
    const changes = both.map(({ client }) => {
      const told: string[] = [];
      client.onSession((change) => told.push(change));
      return told;
    });
    const [first, second] = both.map(({ client }) => client) as [Client, Client];
    await first.signIn({ email: 'e', password: 'p' });
    await vi.waitFor(() => expect(second.userId).toBe(user.id));
    return { first, second, changes, gateways: both.map(({ gateway }) => gateway) };
  }

  it('leaves in all tabs', async () => {
    const { first, second, changes } = await tabs();
    await second.signOut();
    await vi.waitFor(() => expect(first.userId).toBeUndefined());
    const told = ['begun', 'left'];
    expect(changes).toEqual([told, told]);
    for (const client of [first, second]) client.dispose();
  });

  it('does so after their session has ended by itself', async () => {
    const { first, second, changes, gateways } = await tabs(() =>
      Response.json({ errors: [{ message: 'no', extensions: { code: 'UNAUTHENTICATED' } }] }),
    );
    for (const gateway of gateways) gateway.valid = 1;
    await expect(first.query({ query: '{ n }' })).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await vi.waitFor(() => expect(changes[1]).toEqual(['begun', 'ended']));
    await second.signOut();
    const told = ['begun', 'ended', 'left'];
    await vi.waitFor(() => expect(changes).toEqual([told, told]));
    for (const client of [first, second]) client.dispose();
  });
});

it('a tab that slept does not end the session after its own', async () => {
  // What the others told was not heard.
  vi.stubGlobal(
    'BroadcastChannel',
    class {
      postMessage() {}
      close() {}
    },
  );
  const revoked = { ...refusal, extensions: { ...refusal.extensions, reason: 'REVOKED' } };
  let valid = 0;
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const authorization = new Headers(init?.headers).get('authorization');
    const isRefused = authorization !== `Bearer ${token(valid)}`;
    return Response.json(isRefused ? { data: null, errors: [revoked] } : { data: { n: valid } });
  };
  const both = { sessions: memoryStore(), name: 'slept', fetch };
  const slept = connect(both).client;
  const awake = connect(both).client;
  await slept.useSession(session(0), user.id);
  // Somebody signed out in the other tab, and in again.
  await awake.useSession(session(1), user.id);
  valid = 1;
  expect((await slept.query({ query: '{ n }' })).data).toEqual({ n: 1 });
  expect(await connect(both).client.restore()).toBe(true);
  for (const client of [slept, awake]) client.dispose();
  vi.unstubAllGlobals();
});

describe('a clock that is wrong', () => {
  const minuteMs = 60_000;
  const soon = { timeout: 10_000 };
  const enter = async (client: Client) => {
    await client.signIn({ email: 'e', password: 'p' });
    // Other tabs had a moment to say what they know.
    await vi.advanceTimersByTimeAsync(1_000);
  };

  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('is set back, and each token is exchanged once, when two thirds of its time are over', async () => {
    const sessions = memoryStore();
    vi.setSystemTime(began * 1000);
    const { client, gateway } = connect({ sessions });
    await enter(client);
    vi.setSystemTime(began * 1000 - 60 * minuteMs);
    for (const count of [1, 2]) {
      await vi.advanceTimersByTimeAsync(10 * minuteMs);
      await vi.waitFor(() => expect(gateway.refreshes).toHaveLength(count), soon);
    }
    expect(gateway.refreshes).toEqual(['r0', 'r1']);
    const [key = ''] = await sessions.keys();
    await vi.waitFor(async () => {
      expect(JSON.parse((await sessions.get(key)) ?? '')).toMatchObject(session(2));
    }, soon);
    client.dispose();
  });

  it('is ahead by more than the life of a token, and the gateway does not say what time it is', async () => {
    vi.setSystemTime((began + lifetimeSeconds) * 1000 + 5 * minuteMs);
    const { client, gateway } = connect();
    await enter(client);
    expect((await client.query({ query: '{ n }' })).data).toEqual({ n: 0 });
    await vi.advanceTimersByTimeAsync(9 * minuteMs);
    expect(gateway.refreshes).toEqual([]);
    await vi.advanceTimersByTimeAsync(minuteMs);
    await vi.waitFor(() => expect(gateway.refreshes).toEqual(['r0']), soon);
    client.dispose();
  });

  it('is ahead, and a session that cannot be renewed is used until the gateway refuses it', async () => {
    vi.setSystemTime((began + lifetimeSeconds) * 1000 + 5 * minuteMs);
    const { client, gateway } = connect();
    await client.useSession({ accessToken: token(0), accessTokenExpiresAt: endOf(0) }, user.id);
    expect((await client.query({ query: '{ n }' })).data).toEqual({ n: 0 });
    expect(client.userId).toBe(user.id);
    gateway.valid = 1;
    const refused = client.query({ query: '{ n }' }).catch((error) => error);
    // The other tabs are asked first.
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await refused).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'EXPIRED' });
    expect(client.userId).toBeUndefined();
    client.dispose();
  });
});

describe('a store that is full, or refuses', () => {
  const refusing = (): never => {
    throw new DOMException('The quota has been exceeded', 'QuotaExceededError');
  };

  it('ends no session, and gives back none from before', async () => {
    const store = memoryStore();
    let isFull = false;
    const { client, gateway } = connect({
      sessions: { ...store, set: (key, value) => (isFull ? refusing() : store.set(key, value)) },
    });
    await client.useSession(session(0), user.id);
    expect(store.keys()).toHaveLength(1);
    isFull = true;
    gateway.valid = 1;
    expect((await client.query({ query: '{ n }' })).data).toEqual({ n: 2 });
    expect([client.userId, store.keys()]).toEqual([user.id, []]);
    isFull = false;
    gateway.valid = 3;
    expect((await client.query({ query: '{ n }' })).data).toEqual({ n: 4 });
    expect(gateway.refreshes).toEqual(['r0', 'r2']);
    expect(store.keys()).toHaveLength(1);
    client.dispose();
  });

  it('is done without from the beginning', async () => {
    const sessions = { get: refusing, set: refusing, remove: refusing, keys: refusing };
    const { client } = connect({ sessions });
    expect(await client.restore()).toBe(false);
    expect(await client.signIn({ email: 'ada@example.com', password: 'secret' })).toBe(user.id);
    expect((await client.query({ query: '{ n }' })).data).toEqual({ n: 0 });
    await client.signOut();
    expect(client.userId).toBeUndefined();
    client.dispose();
  });
});
