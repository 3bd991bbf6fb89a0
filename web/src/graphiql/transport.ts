// Sends operations to the gateway this page came from: subscriptions over a socket, all else by
// HTTP POST, both on behalf of whoever is signed in. Answers reach GraphiQL as they came,
// `extensions` included.
import type { Fetcher, FetcherParams } from '@graphiql/toolkit';
import { getOperationAST, type OperationDefinitionNode, parse } from 'graphql';
import type { ExecutionResult } from 'graphql-ws';
import { follow, identifying } from './account/account';
import { refusalOf } from './account/refusal';
import { authorization, onTokens, recover } from './account/tokens';
import { type Answer, send } from './gateway';
import { rememberResponse, updateSession } from './session';
import { subscription } from './subscription';

// What was refused to somebody else may not be refused now.
onTokens(({ kind }) => {
  if (kind === 'begun') updateSession({ refusal: undefined });
});

export const fetcher: Fetcher = (params, options) => {
  const document = options?.documentAST ?? parse(params.query);
  const operation = getOperationAST(document, params.operationName);
  updateSession({ refusal: undefined });
  return operation?.operation === 'subscription'
    ? subscription(params, operation, currentCursor)
    : post(params, operation, options?.headers);
};

async function post(
  params: FetcherParams,
  operation: OperationDefinitionNode | null | undefined,
  headers: Record<string, string> = {},
): Promise<ExecutionResult> {
  const answer = await sendIdentified(params, headers);
  if (operation) follow(operation, answer);
  rememberResponse(answer.result);
  updateSession({ refusal: refusalOf(answer.result.errors) });
  return answer.result;
}

/** An `Authorization` of the headers editor wins, for trying tokens out. */
async function sendIdentified(
  params: FetcherParams,
  headers: Record<string, string>,
): Promise<Answer> {
  const isOwn = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  const header = isOwn ? undefined : await authorization();
  const answer = await send(params, { ...identifying(header), ...headers });
  const refusal = refusalOf(answer.result.errors);
  if (!refusal?.nothingRan || !(await recover(header, refusal))) return answer;
  return send(params, { ...identifying(await authorization()), ...headers });
}

/** Where the log stands now: every response carries it. */
async function currentCursor(): Promise<string | undefined> {
  const { result } = await sendIdentified({ query: '{ __typename }' }, {});
  return rememberResponse(result);
}
