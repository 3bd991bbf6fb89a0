// A terminating urql exchange, in place of `fetchExchange` and `subscriptionExchange`: all operations go through the client, with
// the options in their context. Headers are taken from where urql has them, too.
//
// Each answer stands for itself. The `subscriptionExchange` of urql lays it over the one before, so that what is gone would stay,
// and so would an error that is over.
//
// A live query is opened once. A cache asks for it again after a mutation that touched what it shows, or when another component
// mounts with it, and urql calls what it shows stale until there is an answer. What is open tells the news of its own accord, so its
// last answer is that answer. Behind a mutation of here it may be older than what a cache has by now: then the query is sent as an
// ordinary request, unless the news come first. One whose last answer has errors is opened anew when it is asked for past the cache:
// it may hear nothing before something changes.
import {
  type Exchange,
  makeErrorResult,
  makeOperation,
  makeResult,
  type Operation,
  type OperationResult,
} from '@urql/core';
import { makeFetchBody } from '@urql/core/internal';
import {
  empty,
  filter,
  fromValue,
  make,
  merge,
  mergeMap,
  pipe,
  type Source,
  takeUntil,
} from 'wonka';
import { optionsOf } from './adapters.ts';
import type { Client } from './client.ts';
import type { Operation as Asked, Sink } from './types.ts';

/** A live query that is open. */
interface Open {
  /** Its last answer. */
  last?: OperationResult;
  /** Whether something was written here since then. */
  isTouched: boolean;
  /** Told when there is another answer, or none will come. */
  readonly asking: Set<() => void>;
  end(): void;
}

export function millraceExchange(client: Client): Exchange {
  return ({ client: urql, forward }) => {
    const open = new Map<number, Open>();

    const touched = () => {
      for (const it of open.values()) it.isTouched = true;
    };

    /** Answers what is open, and is asked for again. */
    const again = (operation: Operation, { last, isTouched, asking }: Open) => {
      // The first answer is to come.
      if (!last) return empty as never;
      if (!isTouched) return fromValue({ ...last, operation });
      return make<OperationResult>(({ next, complete }) => {
        const aborting = new AbortController();
        const give = () => {
          if (!asking.delete(give)) return;
          aborting.abort();
          complete();
        };
        asking.add(give);
        client
          .execute(askedBy(operation), { signal: aborting.signal })
          // Without an answer it stays stale until there are news.
          .then((answer) => asking.has(give) && next(makeResult(operation, answer as never)), give)
          .finally(give);
        return give;
      });
    };

    const answersTo = (operation: Operation): Source<OperationResult> => {
      const { key, kind, context } = operation;
      const isOnce = isLive(operation);
      const before = open.get(key);
      if (isOnce && before) {
        if (!before.last?.error || context.requestPolicy !== 'network-only')
          return again(operation, before);
        before.end();
      }
      return make<OperationResult>(({ next, complete }) => {
        let isOver = false;
        let stop = () => {};
        const close = () => {
          isOver = true;
          stop();
          for (const give of self.asking) give();
          if (open.get(key) === self) open.delete(key);
        };
        const self: Open = {
          isTouched: false,
          asking: new Set(),
          end: () => {
            close();
            complete();
          },
        };
        if (isOnce) open.set(key, self);
        const sink: Sink = {
          next: (answer) => {
            if (kind === 'mutation') touched();
            self.last = makeResult(operation, answer as never);
            self.isTouched = false;
            for (const give of self.asking) give();
            next(self.last);
          },
          error: (error) => {
            next(makeErrorResult(operation, error));
            self.end();
          },
          complete: () => {
            // Its subscribers hear of the end by this.
            if (kind === 'subscription')
              urql.reexecuteOperation(makeOperation('teardown', operation, context));
            self.end();
          },
        };
        // What is taken back at once is not asked.
        queueMicrotask(() => {
          if (!isOver) stop = client.run(askedBy(operation), sink, optionsBy(operation));
        });
        return close;
      });
    };

    return (operations) => {
      const answers = pipe(
        operations,
        filter(({ kind }) => kind !== 'teardown'),
        mergeMap((operation) => {
          const teardown = ({ kind, key }: Operation) =>
            kind === 'teardown' && key === operation.key;
          return pipe(answersTo(operation), takeUntil(pipe(operations, filter(teardown))));
        }),
      );
      const others = pipe(
        operations,
        filter(({ kind }) => kind === 'teardown'),
        forward,
      );
      return merge([answers, others]);
    };
  };
}

function askedBy(operation: Operation): Asked {
  const { query = '', variables = {}, operationName, extensions } = makeFetchBody(operation);
  return {
    query,
    variables,
    ...(operationName && { operationName }),
    ...(extensions && { extensions: { ...extensions } }),
  };
}

function optionsBy({ context }: Operation) {
  const { fetchOptions } = context;
  const own = typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions;
  return optionsOf({ headers: own?.headers, ...context });
}

function isLive({ kind, query }: Operation): boolean {
  const definitions: readonly { directives?: readonly { name: { value: string } }[] }[] =
    query.definitions as never;
  return (
    kind === 'query' &&
    definitions.some(({ directives }) => directives?.some(({ name }) => name.value === 'live'))
  );
}
