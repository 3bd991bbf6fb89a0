// A terminating urql exchange, in place of `fetchExchange` and `subscriptionExchange`: all operations go through the client, with
// the options in their context. Headers are taken from where urql has them, too.
//
// Each answer stands for itself. The `subscriptionExchange` of urql lays it over the one before, so that what is gone would stay,
// and so would an error that is over.
//
// A live query is opened once. A cache asks for it again after a mutation that touched what it shows, or when another component
// mounts with it; what is open tells the news of its own accord. One whose last answer has errors is opened anew when it is asked
// for past the cache: it may hear nothing before something changes.
import {
  type Exchange,
  makeErrorResult,
  makeOperation,
  makeResult,
  type Operation,
  type OperationResult,
} from '@urql/core';
import { makeFetchBody } from '@urql/core/internal';
import { empty, filter, make, merge, mergeMap, pipe, type Source, takeUntil } from 'wonka';
import { optionsOf } from './adapters.ts';
import type { Client } from './client.ts';
import type { Operation as Asked, Sink } from './types.ts';

/** A live query that is open. */
interface Open {
  /** Whether its last answer has errors. */
  hasFailed: boolean;
  end(): void;
}

export function millraceExchange(client: Client): Exchange {
  return ({ client: urql, forward }) => {
    const open = new Map<number, Open>();

    const answersTo = (operation: Operation): Source<OperationResult> => {
      const { key, kind, context } = operation;
      const isOnce = isLive(operation);
      const before = open.get(key);
      if (isOnce && before) {
        if (!before.hasFailed || context.requestPolicy !== 'network-only') return empty as never;
        before.end();
      }
      return make<OperationResult>(({ next, complete }) => {
        let isOver = false;
        let stop = () => {};
        const close = () => {
          isOver = true;
          stop();
          if (open.get(key) === self) open.delete(key);
        };
        const self: Open = {
          hasFailed: false,
          end: () => {
            close();
            complete();
          },
        };
        if (isOnce) open.set(key, self);
        const sink: Sink = {
          next: (answer) => {
            const result = makeResult(operation, answer as never);
            self.hasFailed = result.error !== undefined;
            next(result);
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
