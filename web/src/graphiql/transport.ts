// Sends operations to the gateway this page came from: subscriptions over a socket, all else by
// HTTP POST. Answers reach GraphiQL as they came, `extensions` included.
import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import { getOperationAST, parse } from 'graphql';
import type { ExecutionResult } from 'graphql-ws';
import { rememberResponse } from './session';
import { subscription } from './subscription';

const endpoint = '/graphql';

export const fetcher: Fetcher = (params, options) => {
  const document = options?.documentAST ?? parse(params.query);
  const operation = getOperationAST(document, params.operationName);
  return operation?.operation === 'subscription'
    ? subscription(params, operation, currentCursor)
    : post(params, options?.headers);
};

async function post(
  params: FetcherParams,
  headers: Record<string, string> = {},
): Promise<ExecutionResult> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json;q=0.9',
      ...headers,
    },
    body: JSON.stringify(params),
  });
  const text = await response.text();
  let result: ExecutionResult;
  try {
    result = JSON.parse(text);
  } catch {
    throw new Error(`The gateway answered ${response.status} without JSON: ${text.slice(0, 500)}`);
  }
  rememberResponse(result);
  return result;
}

/** Where the log stands now: every response carries it. */
async function currentCursor(): Promise<string | undefined> {
  return rememberResponse(await post({ query: '{ __typename }' }));
}
