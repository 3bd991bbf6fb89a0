// Signs in and out, and keeps what the page shows in step with the tokens. The account panel calls
// it, and the transport, with the answers to operations run in the editor.
import type { OperationDefinitionNode } from 'graphql';
import type { ExecutionResult } from 'graphql-ws';
import { type Answer, send } from '../gateway';
import { type Refusal, refusalOf } from './refusal';
import { readAccount, type User, updateAccount } from './store';
import {
  authorization,
  begin,
  currentAuthorization,
  end,
  type IssuedSession,
  onTokens,
  proceed,
  restore,
} from './tokens';

const issued =
  'session { accessToken accessTokenExpiresAt refreshToken } user { id name role email }';
const documents = {
  signIn: `mutation SignIn($input: SignInInput!) { signIn(input: $input) { ${issued} } }`,
  register: `mutation Register($input: RegisterInput!) { register(input: $input) { ${issued} } }`,
  signOut: 'mutation SignOut($input: SignOutInput!) { signOut(input: $input) { signedOut } }',
  me: 'query Me { me { id name role email } }',
};

/** What the gateway refused; the panel shows it. */
export class Refused extends Error {
  readonly refusal: Refusal | undefined;

  constructor(errors: readonly { message: string }[] | undefined) {
    super(errors?.[0]?.message ?? 'The gateway gave no reason.');
    this.refusal = refusalOf(errors);
  }
}

type Credentials = { email: string; password: string };
type Issued = { session?: Partial<IssuedSession> | null; user?: Partial<User> | null };

onTokens((change) => {
  if (change.kind === 'ended') {
    updateAccount({ state: 'signedOut', ...(change.notice && { notice: change.notice }) });
    return;
  }
  const before = readAccount();
  const kept = change.kind === 'renewed' && before.state === 'signedIn' ? before.user : undefined;
  const user = change.user ?? kept;
  updateAccount({ state: 'signedIn', ...(user && { user }) });
  if (!user) learnUser();
});
if (restore()) updateAccount({ state: 'restoring' });

export async function signIn(input: Credentials): Promise<void> {
  await enter('signIn', { ...input });
}

export async function register(input: Credentials & { name: string }): Promise<void> {
  await enter('register', { ...input });
}

/** Forgets the tokens whether or not the gateway could be told to. */
export async function signOut(everywhere: boolean): Promise<void> {
  const untold = 'The gateway could not be told; the session ends there when its time is over.';
  const header = await authorization();
  try {
    const variables = { input: { everywhere } };
    const { result } = await send({ query: documents.signOut, variables }, identifying(header));
    const refusal = refusalOf(result.errors);
    end(refusal && refusal.code !== 'UNAUTHENTICATED' ? untold : undefined);
  } catch {
    end(untold);
  }
}

/** Follows what an operation of the editor did to the session, whatever it called its fields. */
export function follow(operation: OperationDefinitionNode, { result, serverTimeMs }: Answer): void {
  if (operation.operation !== 'mutation' || !result.data) return;
  for (const selection of operation.selectionSet.selections) {
    if (selection.kind !== 'Field') continue;
    const value = result.data[selection.alias?.value ?? selection.name.value];
    if (!value) continue;
    const { session, user } = value as Issued;
    const known = isUser(user) ? user : undefined;
    switch (selection.name.value) {
      case 'signIn':
      case 'register':
        if (isSession(session)) begin(session, serverTimeMs, known);
        break;
      case 'refresh':
        if (isSession(session)) proceed(session, serverTimeMs, known);
        break;
      case 'signOut':
        end();
        break;
    }
  }
}

export function identifying(header: string | undefined): Record<string, string> {
  return header ? { authorization: header } : {};
}

async function enter(field: 'signIn' | 'register', input: Record<string, string>): Promise<void> {
  const { result, serverTimeMs } = await send({ query: documents[field], variables: { input } });
  const { session, user } = (result.data?.[field] ?? {}) as Issued;
  if (!isSession(session)) throw new Refused(result.errors);
  begin(session, serverTimeMs, isUser(user) ? user : undefined);
}

/** Asks who the token belongs to. */
export async function learnUser(): Promise<void> {
  const header = currentAuthorization();
  if (!header) return;
  const answer = await send({ query: documents.me }, identifying(header)).catch(() => undefined);
  const user = (answer?.result as ExecutionResult | undefined)?.data?.me as Partial<User> | null;
  if (isUser(user) && header === currentAuthorization()) updateAccount({ state: 'signedIn', user });
}

function isSession(session: Issued['session']): session is IssuedSession {
  return typeof session?.accessToken === 'string';
}

function isUser(user: Issued['user']): user is User {
  return Boolean(user?.id && user.name && user.role);
}
