// Queries, mutations, the session and the queue, against a gateway of this file's own that answers as it is told.

import { Client as UrqlClient } from '@urql/core';
import { parse } from 'graphql';
import { describe, expect, it, vi } from 'vitest';
import {
  type Client,
  createClient,
  type Document,
  memoryStore,
  type Options,
  webStore,
} from '../src/index.ts';
import { millraceExchange } from '../src/urql.ts';

interface Sent {
  query: string;
  variables: Record<string, unknown>;
  extensions: Record<string, unknown>;
  headers: Headers;
  authorization: string | null;
}
type Reply = { status?: number; headers?: Record<string, string>; body?: unknown } | 'lost';

let clients = 0;
/** The limit for what should take a moment; machines differ. */
const soonMs = 30_000;

/** A client whose requests are answered by `reply`, and what it sent. */
function connect(reply: (sent: Sent, count: number) => Reply, options: Partial<Options> = {}) {
  const sent: Sent[] = [];
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const { query, variables, extensions } = JSON.parse(String(init?.body));
    const headers = new Headers(init?.headers);
    const authorization = headers.get('authorization');
    sent.push({ query, variables, extensions: extensions ?? {}, headers, authorization });
    const answer = reply(sent.at(-1) as Sent, sent.length);
    if (answer === 'lost') throw new TypeError('fetch failed');
    return new Response(JSON.stringify(answer.body ?? { data: { ok: true } }), {
      status: answer.status ?? 200,
      headers: answer.headers ?? {},
    });
  };
  const client = createClient({
    url: 'http://gateway.example/graphql',
    name: `test-${clients++}`,
    backoff: { firstMs: 1, longestMs: 5 },
    transport: 'event-stream',
    queue: memoryStore(),
    fetch,
    ...options,
  });
  return { client, sent };
}

const errors = (code: string, more = {}) => ({
  body: { data: null, errors: [{ message: code, extensions: { code, ...more } }] },
});
/** An access token as the gateway makes them, as far as this client looks at it. */
const token = (name: string, sub: string) => `${name}.${btoa(JSON.stringify({ sub }))}.signature`;
const [a, b] = [token('a', 'one'), token('b', 'one')];
const issue = (accessToken: string, seconds = 900) => ({
  body: {
    data: {
      entered: {
        session: {
          accessToken,
          refreshToken: `refresh-${accessToken}`,
          accessTokenExpiresAt: new Date(Date.now() + seconds * 1000).toISOString(),
        },
        user: { id: 'user_1' },
      },
    },
  },
});
const mutation = { query: 'mutation { rename(input: {}) { x } }' };
const query = { query: '{ me { id } }' };

describe('headers', () => {
  it('are sent along, and stand for what the client would say itself', async () => {
    const written = { body: { data: {}, extensions: { readAfter: 'w' } } };
    const { client, sent } = connect((it) => (it.query.startsWith('mutation') ? written : {}), {
      token: () => 'own',
    });
    await client.execute(mutation, { headers: { 'idempotency-key': 'k' } });
    await client.execute(query, { headers: { 'read-after': 'v', authorization: 'Bearer other' } });
    await client.execute(query);
    expect(sent.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['k', null, null]);
    expect(sent.map(({ authorization }) => authorization)).toEqual([
      'Bearer own',
      'Bearer other',
      'Bearer own',
    ]);
    expect(sent.map(({ extensions }) => extensions)).toEqual([{}, {}, { readAfter: 'w' }]);
  });

  it('with a token of their own are not sent again with another one', async () => {
    const { client, sent } = connect(() => errors('UNAUTHENTICATED', { reason: 'EXPIRED' }), {
      token: () => 'own',
    });
    const { errors: told } = await client.execute(query, {
      headers: { authorization: 'Bearer x' },
    });
    expect(told?.[0]?.extensions?.code).toBe('UNAUTHENTICATED');
    expect(sent).toHaveLength(1);
  });
});

describe('mutations', () => {
  it('are repeated under one key after losses and passing failures', async () => {
    const replies: Reply[] = [
      'lost',
      { status: 502, body: 'bad gateway' },
      errors('UNAVAILABLE'),
      {},
    ];
    const { client, sent } = connect((_, count) => replies[count - 1] ?? {});
    expect((await client.mutate(mutation)).data).toEqual({ ok: true });
    expect(sent).toHaveLength(4);
    expect(new Set(sent.map((it) => it.extensions.idempotencyKey)).size).toBe(1);
  });

  it('have a key each', async () => {
    const { client, sent } = connect(() => ({}));
    await client.mutate(mutation);
    await client.mutate(mutation);
    expect(new Set(sent.map((it) => it.extensions.idempotencyKey)).size).toBe(2);
  });

  it('wait as long as they are asked to', async () => {
    const { client } = connect((_, count) =>
      count === 1 ? { ...errors('UNAVAILABLE'), headers: { 'retry-after': '1' } } : {},
    );
    const began = Date.now();
    await client.mutate(mutation);
    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
  });

  it('are sent once when a key would not help', async () => {
    const { client, sent } = connect(() => 'lost');
    await expect(
      client.mutate({ query: 'mutation { changePassword(input: {}) { x } }' }),
    ).rejects.toMatchObject({ code: 'NETWORK' });
    expect(sent).toHaveLength(1);
  });

  it('are repeated as nobody else', async () => {
    let current = token('t', 'one');
    const { client, sent } = connect(
      () => {
        current = token('t', 'other');
        return 'lost';
      },
      { token: () => current },
    );
    await expect(client.mutate(mutation)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(sent).toHaveLength(1);
  });

  it('fail with what the gateway says', async () => {
    const violations = [{ field: 'name', code: 'BLANK', message: 'is blank' }];
    const { client, sent } = connect(() => errors('VALIDATION', { violations }));
    await expect(client.mutate(mutation)).rejects.toMatchObject({ code: 'VALIDATION', violations });
    expect(sent).toHaveLength(1);
  });
});

describe('queries', () => {
  const wrote = (token: string) => ({ body: { data: {}, extensions: { readAfter: token } } });

  it('name what was written until it was shown', async () => {
    const { client, sent } = connect((it) => (it.query.startsWith('mutation') ? wrote('t1') : {}));
    await client.mutate(mutation);
    await client.query(query);
    await client.query(query);
    expect(sent.map((it) => it.extensions.readAfter)).toEqual([undefined, 't1', undefined]);
  });

  it('wait for each kind of what was written', async () => {
    const { client, sent } = connect((it) =>
      it.query.startsWith('mutation') ? wrote(it.query.includes('like') ? 'l' : 'r') : {},
    );
    await client.mutate({ query: 'mutation { like(input: {}) { x } }' });
    await client.mutate(mutation);
    await client.query(query);
    expect(sent.slice(2).map((it) => [it.query, it.extensions.readAfter])).toEqual([
      ['{ __typename }', 'l'],
      [query.query, 'r'],
    ]);
  });

  it('are answered when the read models are late, and say so', async () => {
    const { client, sent } = connect((it) => {
      if (it.query.startsWith('mutation')) return wrote('t1');
      return it.extensions.readAfter ? errors('READ_AFTER_TIMEOUT') : {};
    });
    await client.mutate(mutation);
    expect((await client.query(query)).extensions).toEqual({ stale: true });
    await client.query(query);
    expect(sent).toHaveLength(4);
  });

  it('are not held back for a part that fails', async () => {
    const data = { me: { id: 'user_1' }, customers: null };
    const failed = { message: 'no', path: ['customers'], extensions: { code: 'UNAVAILABLE' } };
    const { client, sent } = connect(() => ({ body: { data, errors: [failed] } }));
    await expect(client.query(query)).rejects.toMatchObject({ code: 'UNAVAILABLE', data });
    expect(sent).toHaveLength(1);
  });

  it('are sent twice when the gateway fails, and not more often', async () => {
    const { client, sent } = connect(() => errors('INTERNAL'));
    await expect(client.query(query)).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(sent).toHaveLength(2);
  });

  it('can be aborted', async () => {
    const { client } = connect(() => 'lost', { backoff: { firstMs: 60_000 } });
    const aborting = new AbortController();
    const asked = client.query(query, { signal: aborting.signal });
    setTimeout(() => aborting.abort(), 10);
    await expect(asked).rejects.toBeInstanceOf(Error);
  });

  it('are sent, and can be aborted, where signals cannot be joined', async () => {
    // As in Firefox before 124 and Safari before 17.4.
    const { any } = AbortSignal;
    Object.assign(AbortSignal, { any: undefined });
    try {
      const aborting = new AbortController();
      const heard = new Set<unknown>();
      const { addEventListener, removeEventListener } = aborting.signal;
      vi.spyOn(aborting.signal, 'addEventListener').mockImplementation((...given) => {
        heard.add(given[1]);
        addEventListener.apply(aborting.signal, given as never);
      });
      vi.spyOn(aborting.signal, 'removeEventListener').mockImplementation((...given) => {
        heard.delete(given[1]);
        removeEventListener.apply(aborting.signal, given as never);
      });
      const signal = aborting.signal;
      expect((await connect(() => ({})).client.query(query, { signal })).data).toEqual({
        ok: true,
      });
      expect(heard.size).toBe(0);
      const { client } = connect(() => ({}), {
        fetch: (_, init) =>
          new Promise((_, fail) => {
            const give = () => fail(init?.signal?.reason);
            if (init?.signal?.aborted) give();
            else init?.signal?.addEventListener('abort', give);
          }),
      });
      const asked = client.query(query, { signal });
      aborting.abort();
      await expect(asked).rejects.toMatchObject({ code: 'ABORTED' });
    } finally {
      Object.assign(AbortSignal, { any });
    }
  });
});

it('documents bring their types along', async () => {
  const document = parse('{ me { id } }') as Document<{ me: { id: string } }>;
  const { client } = connect(() => ({ body: { data: { me: { id: 'user_1' } } } }));
  const { data } = await client.query({ query: document });
  expect(data.me.id.toUpperCase()).toBe('USER_1');
});

it('documents may be Strings that bring their types along', async () => {
  class Typed extends String {
    declare __apiType?: (variables: never) => { me: { id: string } };
  }
  const { client, sent } = connect(() => ({ body: { data: { me: { id: 'user_1' } } } }));
  const { data } = await client.query({ query: new Typed('{ me { id } }') });
  expect([data.me.id, sent[0]?.query]).toEqual(['user_1', '{ me { id } }']);
});

describe('sessions', () => {
  const gateway = (seconds: number) => (it: Sent) => {
    if (it.query.includes('signIn')) return issue(a, seconds);
    if (it.query.includes('refresh(')) return issue(b);
    return it.authorization === `Bearer ${b}`
      ? {}
      : errors('UNAUTHENTICATED', { reason: 'EXPIRED' });
  };

  it('renew a token that was refused, and send again', async () => {
    const { client, sent } = connect(gateway(900));
    await client.signIn({ email: 'e', password: 'p' });
    await client.query(query);
    expect(sent.map((it) => it.authorization)).toEqual([null, `Bearer ${a}`, null, `Bearer ${b}`]);
  });

  it('exchange a token once for all tabs, and tell a tab that opens', async () => {
    const name = `tabs-${clients}`;
    const { client: first, sent } = connect(gateway(0), { name });
    await first.signIn({ email: 'e', password: 'p' });
    const second = connect(gateway(0), { name });
    const third = connect(gateway(0), { name });
    await Promise.all([first, second.client, third.client].map((client) => client.query(query)));
    const all = [...sent, ...second.sent, ...third.sent];
    expect(all.filter((it) => it.query.includes('refresh('))).toHaveLength(1);
    expect(second.client.userId).toBe('user_1');
    for (const client of [first, second.client, third.client]) client.dispose();
  });

  it('end with the gateway’s word', async () => {
    const { client } = connect((it) =>
      it.query.includes('signIn') ? issue(a, 0) : errors('UNAUTHENTICATED', { reason: 'REVOKED' }),
    );
    await client.signIn({ email: 'e', password: 'p' });
    await expect(client.query(query)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'REVOKED',
    });
    expect(client.userId).toBeUndefined();
  });

  it('are found in their store, unless it has something else', async () => {
    const sessions = memoryStore();
    const { client } = connect(gateway(900), { name: 'kept', sessions });
    await client.signIn({ email: 'e', password: 'p' });
    client.dispose();
    const again = connect(() => ({}), { name: 'kept', sessions });
    await again.client.query(query);
    expect(again.sent[0]?.authorization).toBe(`Bearer ${a}`);
    again.client.dispose();
    sessions.set('millrace:kept:session', '{"accessToken":');
    const broken = connect(() => ({}), { name: 'kept', sessions });
    await broken.client.query(query);
    expect(broken.sent[0]?.authorization).toBeNull();
  });
});

describe('what an application is told of its session', () => {
  it('is that it began and ended, and whether there is one', async () => {
    const sessions = memoryStore();
    const { client } = connect((it) => (it.query.includes('signIn') ? issue(a) : {}), {
      name: 'told',
      sessions,
    });
    const changes: string[] = [];
    const stop = client.onSession((change) => changes.push(change));
    expect(await client.restore()).toBe(false);
    await client.signIn({ email: 'e', password: 'p' });
    expect([changes, client.userId]).toEqual([['begun'], 'user_1']);
    const next = connect(() => ({}), { name: 'told-2', sessions }).client;
    expect(await next.restore()).toBe(false);
    const same = connect(() => ({}), { name: 'told', sessions }).client;
    expect([await same.restore(), same.userId]).toEqual([true, 'user_1']);
    await client.signOut();
    expect(changes).toEqual(['begun', 'left']);
    stop();
    await client.signIn({ email: 'e', password: 'p' });
    expect(changes).toHaveLength(2);
  });
});

describe('signing out everywhere', () => {
  it('ends the session here once the gateway has ended them all', async () => {
    const answers = [issue(a), errors('UNAVAILABLE'), {}];
    const { client, sent } = connect((_, count) => answers[count - 1] ?? {});
    await client.signIn({ email: 'e', password: 'p' });
    await expect(client.signOut({ everywhere: true })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(client.userId).toBe('user_1');
    await client.signOut({ everywhere: true });
    expect(client.userId).toBeUndefined();
    expect(sent.at(-1)?.query).toContain('everywhere: true');
  });
});

describe('the queue', () => {
  const send = (client: Client, n: number) =>
    client.mutate({ ...mutation, variables: { n } }, { queue: true });
  const numbers = (sent: Sent[]) => sent.map((it) => it.variables.n).filter((n) => n !== undefined);

  it('sends what waits in its order, once the gateway is there', async () => {
    let isThere = false;
    const { client, sent } = connect(() => (isThere ? {} : 'lost'));
    const sending = [1, 2, 3].map((n) => send(client, n));
    await expect.poll(() => client.state).toMatchObject({ status: 'offline', waiting: 3 });
    isThere = true;
    sent.length = 0;
    await Promise.all(sending);
    expect(numbers(sent).filter((n, i, all) => n !== all[i - 1])).toEqual([1, 2, 3]);
    await expect.poll(() => client.state.waiting).toBe(0);
  });

  it('survives its client, and tells the next one', async () => {
    const queue = memoryStore();
    const lost = connect(() => 'lost', { name: 'survivor', queue });
    void send(lost.client, 1);
    await expect.poll(() => lost.client.state.waiting).toBe(1);
    const key = lost.sent.at(-1)?.extensions.idempotencyKey;
    lost.client.dispose();
    const { client, sent } = connect(() => ({}), { name: 'survivor', queue });
    const settled = await new Promise((resolve) => client.outbox.onSettled(resolve));
    expect(settled).toMatchObject({
      id: sent[0]?.extensions.idempotencyKey,
      result: { data: { ok: true } },
    });
    expect(key === undefined || key === sent[0]?.extensions.idempotencyKey).toBe(true);
  });

  it('is sent by one tab', async () => {
    const queue = memoryStore();
    const tabs = [1, 2, 3].map(() => connect(() => ({}), { name: 'shared', queue }));
    await Promise.all(
      tabs.flatMap(({ client }, tab) => [1, 2, 3].map((n) => send(client, tab * 10 + n))),
    );
    const all = numbers(tabs.flatMap(({ sent }) => sent));
    expect(all).toHaveLength(9);
    expect(new Set(all).size).toBe(9);
    for (const { client } of tabs) client.dispose();
  });

  it("tells an outage from failures of the gateway's own", async () => {
    let count = 0;
    const { client, sent } = connect(() => {
      count += 1;
      return count <= 12 ? 'lost' : count === 13 ? errors('INTERNAL') : {};
    });
    await send(client, 1);
    expect(sent).toHaveLength(14);
  });

  it('goes on behind what is refused', async () => {
    const { client } = connect((it) => (it.variables.n === 1 ? errors('CONFLICT') : {}));
    const [refused, done] = [send(client, 1), send(client, 2)];
    await expect(refused).rejects.toMatchObject({ code: 'CONFLICT' });
    await done;
  });

  it('is sent as nobody else', async () => {
    const queue = memoryStore();
    const entry = (user: string, n: number) =>
      queue.set(
        `millrace:owned:outbox:00000000000000${n}:k${n}`,
        JSON.stringify({ id: `k${n}`, user, payload: { query: mutation.query, variables: { n } } }),
      );
    entry('other', 1);
    entry('one', 2);
    const { client, sent } = connect((it) => (it.query.includes('signIn') ? issue(a) : {}), {
      name: 'owned',
      queue,
    });
    const settled = new Promise((resolve) => client.outbox.onSettled(resolve));
    await client.signIn({ email: 'e', password: 'p' });
    await settled;
    expect(numbers(sent)).toEqual([2]);
  });

  it('does not repeat what may have been forgotten', async () => {
    const queue = memoryStore();
    const attemptedAt = Date.now() - 24 * 60 * 60_000;
    queue.set(
      'millrace:old:outbox:000000000000001:k',
      JSON.stringify({
        id: 'k',
        user: '',
        attemptedAt,
        payload: { query: mutation.query, variables: {} },
      }),
    );
    const { client, sent } = connect(() => ({}), { name: 'old', queue });
    const settled = await new Promise((resolve) => client.outbox.onSettled(resolve));
    expect(settled).toMatchObject({ result: { errors: [{ extensions: { code: 'OUTDATED' } }] } });
    expect(sent).toHaveLength(0);
  });

  it('lists what waits in its order', async () => {
    const { client } = connect(() => 'lost', { backoff: { firstMs: 60_000, longestMs: 60_000 } });
    for (const n of [1, 2]) send(client, n).catch(() => {});
    const waiting = await vi.waitFor(async () => {
      const list = await client.outbox.list();
      expect(list.map(({ isTried }) => isTried)).toEqual([true, false]);
      return list;
    }, soonMs);
    expect(waiting.map(({ operation }) => operation.variables)).toEqual([{ n: 1 }, { n: 2 }]);
    await client.outbox.clear();
    expect(await client.outbox.list()).toEqual([]);
  });

  it('takes mutations of urql that ask for it', async () => {
    let isThere = false;
    const { client, sent } = connect(() => (isThere ? {} : 'lost'));
    const urql = new UrqlClient({
      url: 'http://gateway.example/graphql',
      exchanges: [millraceExchange(client)],
    });
    const answer = urql.mutation(mutation.query, { n: 7 }, { queue: true }).toPromise();
    await vi.waitFor(async () => expect(await client.outbox.list()).toHaveLength(1), soonMs);
    isThere = true;
    expect(await answer).toMatchObject({ data: { ok: true } });
    expect(new Set(sent.map((it) => it.extensions.idempotencyKey)).size).toBe(1);
  });

  it('says when it cannot keep something', async () => {
    const full = {
      ...webStore({} as Storage),
      keys: () => [],
      set: () => {
        throw new Error('quota');
      },
    };
    const { client } = connect(() => ({}), { queue: full });
    await expect(send(client, 1)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    const secret = client.mutate(
      { query: 'mutation { register(input: {}) { x } }' },
      { queue: true },
    );
    await expect(secret).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });
});
