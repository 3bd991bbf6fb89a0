// The options of an operation in the contexts of Apollo and urql and in Relay's metadata: the same names, with the same effects.
import { ApolloClient, gql, InMemoryCache } from '@apollo/client/core';
import { Client as UrqlClient } from '@urql/core';
import type { RequestParameters, UploadableMap } from 'relay-runtime';
import { describe, expect, it, vi } from 'vitest';
import { withFiles } from '../src/adapters.ts';
import { millraceLink } from '../src/apollo.ts';
import { type Client, createClient, memoryStore } from '../src/index.ts';
import { millraceNetwork } from '../src/relay.ts';
import { millraceExchange } from '../src/urql.ts';

type Context = Record<string, unknown>;
interface Library {
  mutate(text: string, context: Context): Promise<unknown>;
  /** Returns the data of the events, as they come. */
  subscribe(text: string, variables: Context, context: Context): unknown[];
}

function params(text: string): RequestParameters {
  const [, operationKind = '', name = ''] = /^(\w+) (\w+)/.exec(text) ?? [];
  return { name, text, id: null, cacheID: name, operationKind, metadata: {} } as never;
}

const libraries: Record<string, (client: Client) => Library> = {
  apollo: (client) => {
    const apollo = new ApolloClient({ cache: new InMemoryCache(), link: millraceLink(client) });
    return {
      mutate: async (text, context) =>
        (await apollo.mutate({ mutation: gql(text), context, fetchPolicy: 'no-cache' })).data,
      subscribe: (text, variables, context) => {
        const seen: unknown[] = [];
        apollo
          .subscribe({ query: gql(text), variables, context, fetchPolicy: 'no-cache' })
          .subscribe(({ data, error }) => seen.push(data ?? error));
        return seen;
      },
    };
  },
  urql: (client) => {
    const urql = new UrqlClient({ url: 'unused', exchanges: [millraceExchange(client)] });
    return {
      mutate: async (text, context) => {
        const { data, error } = await urql.mutation(text, {}, context).toPromise();
        if (error) throw error;
        return data;
      },
      subscribe: (text, variables, context) => {
        const seen: unknown[] = [];
        urql
          .subscription(text, variables, context)
          .subscribe(({ data, error }) => seen.push(data ?? error));
        return seen;
      },
    };
  },
  relay: (client) => {
    const network = millraceNetwork(client);
    return {
      mutate: async (text, metadata) => {
        const answer = await network
          .execute(params(text), {}, { force: true, metadata })
          .toPromise();
        return (answer as { data: unknown }).data;
      },
      subscribe: (text, variables, metadata) => {
        const seen: unknown[] = [];
        network
          .execute(params(text), variables, { force: true, metadata })
          .subscribe({ next: (it) => seen.push((it as { data: unknown }).data) });
        return seen;
      },
    };
  },
};

let named = 0;
function connect() {
  const sent: { headers: Headers; body: BodyInit | null | undefined; key?: string }[] = [];
  const gateway = { isThere: true };
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const headers = new Headers(init?.headers);
    if (!gateway.isThere) throw new TypeError('fetch failed');
    if (headers.get('accept')?.includes('event-stream')) {
      const { after } = JSON.parse(String(init?.body)).variables;
      const refusal = [{ message: 'gone', extensions: { code: 'CURSOR_EXPIRED' } }];
      const event = after === 'new' ? { data: { n: 1 } } : { errors: refusal };
      const text = `event: next\ndata: ${JSON.stringify(event)}\n\nevent: complete\ndata:\n\n`;
      return new Response(text, { headers: { 'content-type': 'text/event-stream' } });
    }
    const key = init?.body instanceof FormData ? '' : JSON.parse(String(init?.body));
    sent.push({ headers, body: init?.body, key: key.extensions?.idempotencyKey });
    return Response.json({ data: { n: 1 } });
  };
  named += 1;
  const client = createClient({
    url: 'http://gateway.example/graphql',
    name: `adapters-${named}`,
    transport: 'event-stream',
    backoff: { firstMs: 1, longestMs: 5 },
    queue: memoryStore(),
    fetch,
  });
  return { client, sent, gateway };
}

const mutation = 'mutation Add { n }';
const subscription = 'subscription Numbers($after: String) { n(after: $after) }';

describe.each(Object.entries(libraries))('%s', (_, of) => {
  it('takes a key and headers for a mutation', async () => {
    const { client, sent } = connect();
    const headers = { 'X-Trace': 'on' };
    expect(await of(client).mutate(mutation, { idempotencyKey: 'k', headers })).toMatchObject({
      n: 1,
    });
    expect(sent.map(({ key, headers }) => [key, headers.get('x-trace')])).toEqual([['k', 'on']]);
  });

  it('queues a mutation, under its key', async () => {
    const { client, sent, gateway } = connect();
    gateway.isThere = false;
    const answer = of(client).mutate(mutation, { queue: true, idempotencyKey: 'k' });
    await vi.waitFor(async () => expect(await client.outbox.list()).toHaveLength(1));
    gateway.isThere = true;
    expect(await answer).toMatchObject({ n: 1 });
    expect(sent.map(({ key }) => key)).toEqual(['k']);
  });

  it('asks where to go on after a gap', async () => {
    const { client } = connect();
    const onGap = vi.fn(() => 'new');
    const seen = of(client).subscribe(subscription, { after: 'old' }, { onGap });
    await vi.waitFor(() => expect(seen[0]).toMatchObject({ n: 1 }));
    expect(onGap).toHaveBeenCalledOnce();
  });
});

it('a mutation with headers is not queued without them', async () => {
  const { client, sent } = connect();
  const options = { queue: true, headers: { authorization: 'Bearer other' } };
  await expect(client.mutate({ query: mutation }, options)).rejects.toMatchObject({
    code: 'BAD_REQUEST',
  });
  expect(sent).toHaveLength(0);
});

describe('uploadables of Relay', () => {
  const picture = new Blob(['one'], { type: 'image/png' });

  it('are sent as files', async () => {
    const { client, sent } = connect();
    const text = 'mutation Set($input: I!) { n(input: $input) }';
    const variables = Object.freeze({ input: Object.freeze({ picture: null }) });
    const files: UploadableMap = { 'input.picture': picture };
    await millraceNetwork(client)
      .execute(params(text), variables, { force: true }, files)
      .toPromise();
    const form = sent[0]?.body as FormData;
    expect(JSON.parse(String(form.get('map')))).toEqual({ 0: ['variables.input.picture'] });
    expect(await (form.get('0') as Blob).text()).toBe('one');
  });

  it('are refused where they have no place', () => {
    expect(withFiles({ list: [null] }, { 'variables.list.0': picture })).toEqual({
      list: [picture],
    });
    for (const path of ['other.picture', 'input.name', 'input.name.picture'])
      expect(() => withFiles({ input: { name: 'Ada' } }, { [path]: picture })).toThrow(/no place/);
  });
});
