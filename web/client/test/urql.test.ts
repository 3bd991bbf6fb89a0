// What the exchange for urql adds to the client: each answer stands for itself, and a live query is opened once.
import { cacheExchange, gql, Client as UrqlClient } from '@urql/core';
import { expect, it } from 'vitest';
import { pipe, subscribe } from 'wonka';
import type { Client, Operation, Result, Sink } from '../src/index.ts';
import { millraceExchange } from '../src/urql.ts';

interface Run {
  query: string;
  sink: Sink;
  isStopped: boolean;
}

/** urql on a client that is played: `runs` are the operations that it was asked for. */
function connect(answer?: (query: string) => Result | undefined) {
  const runs: Run[] = [];
  const asked: { answer(result: Result): void; signal: AbortSignal | undefined }[] = [];
  const client = {
    execute: (_: Operation, { signal }: { signal?: AbortSignal }) =>
      new Promise<Result>((answer) => asked.push({ answer, signal })),
    run: (operation: Operation, sink: Sink) => {
      const run: Run = { query: String(operation.query), sink, isStopped: false };
      runs.push(run);
      const result = answer?.(run.query);
      if (result)
        queueMicrotask(() => {
          sink.next(result);
          sink.complete();
        });
      return () => {
        run.isStopped = true;
      };
    },
  };
  const urql = new UrqlClient({
    url: 'unused',
    exchanges: [cacheExchange, millraceExchange(client as unknown as Client)],
  });
  return { urql, runs, asked };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));
const live = gql('query Post @live { post { id likes } }');
const post = (likes: number) => ({ data: { post: { __typename: 'Post', id: 'post_1', likes } } });
const failed = (code: string) => ({ errors: [{ message: code, extensions: { code } }] });

it('each answer stands for itself', async () => {
  const { urql, runs } = connect();
  const told: unknown[] = [];
  const { unsubscribe } = pipe(
    urql.query(gql('query N @live { n }'), {}, { requestPolicy: 'network-only' }),
    subscribe(({ data, error, extensions }) => told.push([data?.n, error?.message, extensions])),
  );
  await turn();
  const [{ sink } = {} as never] = runs;
  sink.next({ data: { n: 1 }, extensions: { cursor: 'c' } });
  sink.next({ data: null, ...failed('TIMEOUT') });
  sink.next({ data: { n: 2 } });
  expect(told).toEqual([
    [1, undefined, { cursor: 'c' }],
    [undefined, '[GraphQL] TIMEOUT', undefined],
    [2, undefined, undefined],
  ]);
  unsubscribe();
  expect(runs[0]?.isStopped).toBe(true);
});

it('a live query is opened once, whatever asks for it again', async () => {
  const { urql, runs } = connect((query) => (query.startsWith('mutation') ? post(0) : undefined));
  const told: unknown[] = [];
  const hear = () =>
    pipe(
      urql.query(live, {}, { requestPolicy: 'cache-and-network' }),
      subscribe(({ data }) => told.push(data?.post.likes)),
    );
  const first = hear();
  await turn();
  runs[0]?.sink.next(post(1));
  const like = gql('mutation Like { post: like { id likes } }');
  for (let count = 0; count < 5; count++) await urql.mutation(like, {}).toPromise();
  const second = hear();
  await turn();
  expect(runs.filter(({ query }) => query.startsWith('query'))).toHaveLength(1);
  runs[0]?.sink.next(post(6));
  expect(told.at(-1)).toBe(6);

  // It ends with the last who hears it, or by itself, and can be opened again.
  first.unsubscribe();
  expect(runs[0]?.isStopped).toBe(false);
  second.unsubscribe();
  expect(runs[0]?.isStopped).toBe(true);
  runs.length = 0;
  hear();
  await turn();
  runs[0]?.sink.error({ name: 'MillraceError', message: 'no', code: 'FORBIDDEN' } as never);
  hear();
  await turn();
  expect(runs).toHaveLength(2);
});

it('a live query whose last answer has errors is opened anew when it is asked for past the cache', async () => {
  const { urql, runs } = connect();
  const hear = (requestPolicy: 'cache-first' | 'network-only') =>
    pipe(
      urql.query(live, {}, { requestPolicy }),
      subscribe(() => {}),
    );
  hear('network-only');
  await turn();
  runs[0]?.sink.next({ data: { post: null }, ...failed('TIMEOUT') });
  hear('network-only');
  await turn();
  expect(runs.map(({ isStopped }) => isStopped)).toEqual([true, false]);
  runs[1]?.sink.next(post(1));
  hear('network-only');
  await turn();
  expect(runs).toHaveLength(2);
});

it('what is open is stale only until it is known to be right', async () => {
  const { urql, runs, asked } = connect((query) =>
    query.startsWith('mutation') ? post(0) : undefined,
  );
  const hear = () => {
    const told: unknown[] = [];
    pipe(
      urql.query(live, {}, { requestPolicy: 'cache-and-network' }),
      subscribe(({ data, stale }) => told.push([data?.post.likes, stale])),
    );
    return told;
  };
  const first = hear();
  await turn();
  runs[0]?.sink.next(post(1));
  // Another component shows it, too.
  const second = hear();
  await turn();
  expect([first.at(-1), second.at(-1)]).toEqual([
    [1, false],
    [1, false],
  ]);
  // What was written here may be newer than the last answer.
  const like = gql('mutation Like { post: like { id likes } }');
  await urql.mutation(like, {}).toPromise();
  await turn();
  expect([asked.length, first.at(-1)]).toEqual([1, [1, true]]);
  asked[0]?.answer(post(2));
  await turn();
  expect([first.at(-1), second.at(-1)]).toEqual([
    [2, false],
    [2, false],
  ]);
  // The news may come before the answer, which is not waited for then.
  await urql.mutation(like, {}).toPromise();
  await turn();
  runs[0]?.sink.next(post(3));
  expect(asked[1]?.signal?.aborted).toBe(true);
  asked[1]?.answer(post(0));
  await turn();
  expect([first.at(-1), runs.filter(({ query }) => query.startsWith('query')).length]).toEqual([
    [3, false],
    1,
  ]);
});
