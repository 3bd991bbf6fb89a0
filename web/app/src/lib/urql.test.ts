// Live queries on urql, on a client that is played: each is opened once, and anew when its last answer has errors.
import type { Operation, Sink } from '@millrace/client';
import { gql } from '@urql/core';
import { expect, test, vi } from 'vitest';
import { pipe, subscribe } from 'wonka';

const opened = vi.hoisted(
  () => [] as { operation: Operation; sink: Sink; stop: ReturnType<typeof vi.fn> }[],
);
vi.mock('./millrace', () => ({
  millrace: {
    run: (operation: Operation, sink: Sink) => {
      const stop = vi.fn();
      opened.push({ operation, sink, stop });
      return stop;
    },
  },
}));

import { createUrql } from './urql';

const query = gql('query Post @live { post { id version text } }');
const post = { __typename: 'Post', id: 'post_1', version: 1, text: 'a' };

/** Streams are opened in a turn of their own. */
const turn = () => new Promise((resolve) => setTimeout(resolve));

test('a live query whose answer has errors is opened anew when it is asked for again', async () => {
  const urql = createUrql();
  const got: unknown[] = [];
  const hear = (requestPolicy: 'cache-and-network' | 'network-only') =>
    pipe(
      urql.query(query, {}, { requestPolicy }),
      subscribe(({ data, error }) => got.push([data?.post?.text ?? null, error?.message ?? ''])),
    );
  const first = hear('cache-and-network');
  hear('cache-and-network');
  await turn();
  expect(opened).toHaveLength(1);

  const errors = [{ message: 'too slow', path: ['post'], extensions: { code: 'TIMEOUT' } }];
  opened[0]?.sink.next({ data: { post: null }, errors });
  expect(got.at(-1)).toEqual([null, '[GraphQL] too slow']);
  hear('network-only');
  await turn();
  expect([opened.length, opened[0]?.stop.mock.calls.length]).toEqual([2, 1]);

  opened[1]?.sink.next({ data: { post } });
  expect(got.at(-1)).toEqual(['a', '']);
  hear('network-only');
  await turn();
  expect(opened).toHaveLength(2);
  first.unsubscribe();
});

test('what is guessed of an answer may leave out what is asked for', async () => {
  const urql = createUrql();
  const shown = { ...post, likeCount: 0, likedByMe: false };
  const query = gql('query Liked @live { post { id version text likeCount likedByMe } }');
  const like = gql(
    'mutation($input: In!) { likePost(input: $input) { post { id version text likeCount likedByMe } } }',
  );
  const got: unknown[] = [];
  const reading = pipe(
    urql.query(query, {}),
    subscribe(({ data }) => got.push(data?.post && { ...data.post })),
  );
  await turn();
  opened.at(-1)?.sink.next({ data: { post: shown } });
  const { unsubscribe } = pipe(
    urql.mutation(like, { input: { id: post.id } }),
    subscribe(() => {}),
  );
  await turn();
  expect(got.at(-1)).toMatchObject({ text: 'a', likeCount: 1, likedByMe: true });
  const answer = { ...shown, version: 3, text: 'b', likeCount: 1, likedByMe: true };
  opened.at(-1)?.sink.next({
    data: { likePost: { __typename: 'LikePostPayload', post: answer } },
  });
  opened.at(-1)?.sink.complete();
  await turn();
  expect(got.at(-1)).toMatchObject({ version: 3, text: 'b', likeCount: 1, likedByMe: true });
  unsubscribe();
  reading.unsubscribe();
});
