// Streams over lines that a script gives: live queries over lost lines, refusals that pass and that do not.
import { describe, expect, it, vi } from 'vitest';
import { createClient, MillraceError, memoryStore, type Result } from '../src/index.ts';

type Payload = Record<string, unknown>;
/** What one line gives, and whether it ends with `complete` or is lost. */
type Line = { gives: Payload[]; isLost?: boolean; page?: Response };

/** A client whose event streams are these lines, one after the other; the last one again and again. */
function connect(lines: Line[], token = () => 'token', backoff = { firstMs: 1, longestMs: 5 }) {
  const sent: { variables: Payload; extensions?: Payload }[] = [];
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const payload = JSON.parse(String(init?.body));
    if (!new Headers(init?.headers).get('accept')?.includes('event-stream'))
      return new Response(
        JSON.stringify({ data: {}, extensions: { cursor: 'now', readAfter: 'w' } }),
      );
    const { gives, isLost, page } = lines[Math.min(sent.length, lines.length - 1)] as Line;
    sent.push(payload);
    if (page) return page.clone();
    const events = gives.map((it) => `event: next\ndata: ${JSON.stringify(it)}\n\n`);
    if (!isLost) events.push('event: complete\ndata:\n\n');
    return new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } });
  };
  const client = createClient({
    url: 'http://gateway.example/graphql',
    transport: 'event-stream',
    backoff,
    queue: memoryStore(),
    token,
    fetch,
  });
  return { client, sent };
}

async function all(results: AsyncIterable<Result>): Promise<{ data: unknown[]; code?: string }> {
  const data: unknown[] = [];
  try {
    for await (const result of results) data.push(result.data);
    return { data };
  } catch (error) {
    return { data, code: (error as MillraceError).code };
  }
}

const live = { query: 'query @live(patch: true) { n }' };
const numbers = { query: 'subscription ($after: String) { n(after: $after) }' };
const refused = (code: string, more = {}): Line => ({
  gives: [{ errors: [{ message: code, extensions: { code, ...more } }] }],
});

describe('live queries', () => {
  const known = (digest: string) => ({ cursor: `c${digest}`, digest });
  const replace = (value: number) => [{ op: 'replace', path: '/n', value }];

  it('go on from what is here after a lost line', async () => {
    const { client, sent } = connect([
      {
        gives: [
          { data: { n: 1 }, revision: 1, extensions: known('1') },
          { patch: replace(2), revision: 2, extensions: known('2') },
        ],
        isLost: true,
      },
      { gives: [{ extensions: { unchanged: true, ...known('2') } }], isLost: true },
      {
        gives: [
          { patch: [], revision: 1, extensions: { unchanged: true, ...known('2') } },
          { patch: replace(3), revision: 2, extensions: known('3') },
        ],
      },
    ]);
    expect(await all(client.subscribe(live))).toEqual({ data: [{ n: 1 }, { n: 2 }, { n: 3 }] });
    const named = sent.map(({ extensions }) => extensions?.live);
    expect(named).toEqual([undefined, known('2'), known('2')]);
  });

  it('tell their patches before the answers that these make', async () => {
    const { client } = connect([
      {
        gives: [
          { data: { n: 1 }, revision: 1, extensions: known('1') },
          { patch: replace(2), revision: 2, extensions: known('2') },
          { data: { n: 9 }, revision: 1, extensions: known('9') },
        ],
      },
    ]);
    const told: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      const sink = {
        next: ({ data }: Result) => told.push(data),
        error: reject,
        complete: resolve,
      };
      client.run(live, sink, { onPatch: (patch) => told.push(patch) });
    });
    expect(told).toEqual([{ n: 1 }, replace(2), { n: 2 }, { n: 9 }]);
  });

  it('are asked anew when a patch does not fit', async () => {
    const { client, sent } = connect([
      {
        gives: [
          { data: { n: 1 }, revision: 1, extensions: known('1') },
          { patch: replace(3), revision: 3, extensions: known('3') },
        ],
        isLost: true,
      },
      { gives: [{ data: { n: 3 }, revision: 1, extensions: known('3') }] },
    ]);
    expect(await all(client.subscribe(live))).toEqual({ data: [{ n: 1 }, { n: 3 }] });
    expect(sent[1]?.extensions?.live).toBeUndefined();
  });

  it('are asked anew when what is here is of another log, as after a restore', async () => {
    for (const code of ['CURSOR_INVALID', 'CURSOR_EXPIRED']) {
      const { client, sent } = connect([
        { gives: [{ data: { n: 1 }, revision: 1, extensions: known('1') }], isLost: true },
        refused(code),
        { gives: [{ data: { n: 2 }, revision: 1, extensions: known('2') }] },
      ]);
      const onGap = vi.fn(() => 'a cursor');
      const told = await all(client.subscribe(live, { onGap }));
      expect(told).toEqual({ data: [{ n: 1 }, { n: 2 }] });
      const named = sent.map(({ extensions }) => extensions?.live);
      expect(named).toEqual([undefined, known('1'), undefined]);
      expect(onGap).not.toHaveBeenCalled();
    }
  });

  it('show what was written, or come without waiting for it', async () => {
    const { client, sent } = connect([
      refused('READ_AFTER_TIMEOUT'),
      { gives: [{ data: { n: 1 } }] },
    ]);
    await client.mutate({ query: 'mutation { add { n } }' });
    expect(await all(client.subscribe(live))).toEqual({ data: [{ n: 1 }] });
    expect(sent.map(({ extensions }) => extensions?.readAfter)).toEqual(['w', undefined]);
  });
});

describe('refusals', () => {
  it('that pass are waited out', async () => {
    const lines = ['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED', 'INTERNAL'].map((code) =>
      refused(code),
    );
    const { client, sent } = connect([...lines, { gives: [{ data: 1 }] }]);
    expect(await all(client.subscribe(numbers))).toEqual({ data: [1] });
    expect(sent).toHaveLength(5);
  });

  it("that are the gateway's own count by themselves", async () => {
    const outage = Array.from({ length: 7 }, () => refused('UNAVAILABLE'));
    const { client, sent } = connect([...outage, refused('INTERNAL'), { gives: [{ data: 1 }] }]);
    expect(await all(client.subscribe(numbers))).toEqual({ data: [1] });
    expect(sent).toHaveLength(9);
  });

  it('that do not pass end a stream', async () => {
    for (const [code, attempts] of [
      ['FORBIDDEN', 1],
      ['GRAPHQL_VALIDATION_FAILED', 1],
      ['CURSOR_EXPIRED', 1],
      ['INTERNAL', 6],
    ] as const) {
      const { client, sent } = connect([refused(code)]);
      expect(await all(client.subscribe(numbers))).toEqual({ data: [], code });
      expect(sent).toHaveLength(attempts);
    }
  });

  it('of one token after the other end a stream', async () => {
    let count = 0;
    const next = () => `token-${count++}`;
    const { client, sent } = connect([refused('UNAUTHENTICATED', { reason: 'EXPIRED' })], next);
    expect(await all(client.subscribe(numbers))).toEqual({ data: [], code: 'UNAUTHENTICATED' });
    expect(sent).toHaveLength(4);
  });

  it('wait as long as they say', async () => {
    const { client } = connect([
      refused('RATE_LIMITED', { retryAfterSeconds: 1 }),
      { gives: [{ data: 1 }] },
    ]);
    const began = Date.now();
    expect(await all(client.subscribe(numbers))).toEqual({ data: [1] });
    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
  });
});

describe('a gap', () => {
  const expired = () =>
    connect([refused('CURSOR_EXPIRED'), refused('CURSOR_EXPIRED'), { gives: [{ data: 1 }] }]);
  const from = { ...numbers, variables: { after: 'old' } };

  it('is none for what has no cursor, as after a restore', async () => {
    const { client, sent } = connect([
      { gives: [{ data: { total: 1 }, extensions: { cursor: 'c1' } }], isLost: true },
      refused('CURSOR_INVALID'),
      { gives: [{ data: { total: 2 }, extensions: { cursor: 'd1' } }] },
    ]);
    const statistics = { query: 'subscription { customerStatistics { total } }' };
    expect(await all(client.subscribe(statistics))).toEqual({ data: [{ total: 1 }, { total: 2 }] });
    expect(sent.map(({ variables }) => variables)).toEqual([{}, {}, {}]);
  });

  it('is asked about again when that failed in passing', async () => {
    for (const code of ['NETWORK', 'UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED', 'INTERNAL']) {
      const { client, sent } = expired();
      let asked = 0;
      const onGap = async () => {
        asked += 1;
        if (asked === 1) throw new MillraceError(code, 'not now');
        return 'new';
      };
      expect(await all(client.subscribe(from, { onGap }))).toEqual({ data: [1] });
      expect([asked, sent.map(({ variables }) => variables.after)]).toEqual([
        2,
        ['old', 'old', 'new'],
      ]);
    }
  });

  it('that comes again and again is not asked about without a pause', async () => {
    const gaps = Array.from({ length: 3 }, () => refused('CURSOR_EXPIRED'));
    const lines = [...gaps, { gives: [{ data: 1 }] }];
    const { client } = connect(lines, undefined, { firstMs: 100, longestMs: 1_000 });
    let asked = 0;
    const began = Date.now();
    const told = await all(client.subscribe(from, { onGap: () => `new-${asked++}` }));
    expect([told, asked]).toEqual([{ data: [1] }, 3]);
    expect(Date.now() - began).toBeGreaterThanOrEqual(50 + 100 - 10);
  });

  it('ends the stream when what comes of it does not pass', async () => {
    const cases: [Error, string][] = [
      [new MillraceError('FORBIDDEN', 'no'), 'FORBIDDEN'],
      [new Error('a mistake'), 'CURSOR_EXPIRED'],
    ];
    for (const [failure, code] of cases) {
      const { client, sent } = expired();
      const onGap = () => Promise.reject(failure);
      expect(await all(client.subscribe(from, { onGap }))).toEqual({ data: [], code });
      expect(sent).toHaveLength(1);
    }
  });
});

describe('an answer of something in between', () => {
  it('is waited out, unless it refuses a size', async () => {
    const page = (status: number): Line => ({
      gives: [],
      page: new Response('<html>', { status }),
    });
    const pages = [401, 403, 404, 407, 502, 200].map(page);
    const { client, sent } = connect([...pages, { gives: [{ data: 1 }] }]);
    expect(await all(client.subscribe(numbers))).toEqual({ data: [1] });
    expect(sent).toHaveLength(7);
    const large = connect([page(413)]);
    const ended = await all(large.client.subscribe(numbers));
    expect(ended).toEqual({ data: [], code: 'PAYLOAD_TOO_LARGE' });
  });
});
