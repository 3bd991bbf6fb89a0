// Callbacks of the application that throw: nothing of the client's is left half done, and the page hears of the mistake.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createClient, memoryStore, type Options, type Result } from '../src/index.ts';

const mistake = new Error('a mistake of the application');
const throwing = () => {
  throw mistake;
};
/** What was thrown in a turn of its own. */
let uncaught: unknown[];
let others: NodeJS.UncaughtExceptionListener[];

beforeEach(() => {
  uncaught = [];
  others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
});

afterEach(async () => {
  await vi.waitFor(() => expect(uncaught).toContain(mistake));
  process.removeAllListeners('uncaughtException');
  for (const other of others) process.on('uncaughtException', other);
  expect(uncaught.filter((error) => error !== mistake)).toEqual([]);
});

let named = 0;
function connect(answer: (query: string) => Response, options: Partial<Options> = {}) {
  const sent: string[] = [];
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const { query, variables } = JSON.parse(String(init?.body));
    sent.push(`${query} ${variables.n ?? ''}`.trim());
    return answer(query);
  };
  named += 1;
  const client = createClient({
    url: 'http://gateway.example/graphql',
    name: `calls-${named}`,
    transport: 'event-stream',
    backoff: { firstMs: 1, longestMs: 5 },
    queue: memoryStore(),
    fetch,
    ...options,
  });
  return { client, sent };
}

function events(...answers: Result[]): Response {
  const texts = answers.map((it) => `event: next\ndata: ${JSON.stringify(it)}\n\n`);
  const headers = { 'content-type': 'text/event-stream' };
  return new Response(`${texts.join('')}event: complete\ndata:\n\n`, { headers });
}

it('a listener to the state loses no event', async () => {
  const { client } = connect(() => events({ data: { n: 1 } }, { data: { n: 2 } }));
  client.onState(throwing);
  const got: unknown[] = [];
  for await (const { data } of client.subscribe({ query: 'subscription { n }' })) got.push(data);
  expect(got).toEqual([{ n: 1 }, { n: 2 }]);
});

it('a listener to the queue does not hold it up', async () => {
  const { client, sent } = connect(() => Response.json({ data: { ok: true } }));
  client.outbox.onSettled(throwing);
  const query = 'mutation ($n: Int) { rename(n: $n) { x } }';
  const send = (n: number) => client.mutate({ query, variables: { n } }, { queue: true });
  await Promise.all([send(1), send(2)]);
  await vi.waitFor(async () => expect(await client.outbox.list()).toEqual([]));
  expect(sent).toEqual([`${query} 1`, `${query} 2`]);
});

it('a listener to the session spoils no tokens', async () => {
  const sessions = memoryStore();
  const session = { accessToken: 'a', refreshToken: 'r' };
  const { client } = connect(
    () => Response.json({ data: { entered: { session, user: { id: 'user_ada' } } } }),
    { sessions },
  );
  client.onSession(throwing);
  expect(await client.signIn({ email: 'e', password: 'p' })).toBe('user_ada');
  const [key = ''] = await sessions.keys();
  expect(JSON.parse((await sessions.get(key)) ?? '')).toMatchObject(session);
  client.dispose();
});

it('a sink hears of the end all the same', async () => {
  const { client } = connect((query) =>
    query.startsWith('subscription')
      ? events({ data: { n: 1 } }, { data: { n: 2 } })
      : Response.json({ data: { n: 1 } }),
  );
  for (const query of ['{ n }', 'subscription { n }'])
    await new Promise<void>((complete, error) =>
      client.run({ query }, { next: throwing, error, complete }),
    );
});
