// Requests over HTTP, and the session that they and the socket belong to.
import { graphql } from './generated';
import type { TypedDocumentString } from './generated/graphql';

const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { session { accessToken refreshToken } user { name } }
  }
`);

const Refresh = graphql(`
  mutation Refresh($input: RefreshInput!) {
    refresh(input: $input) { session { accessToken refreshToken } }
  }
`);

let session: { accessToken: string; refreshToken: string } | undefined;
let renewing: Promise<boolean> | undefined;

export function authorization(): Record<string, string> {
  return session ? { authorization: `Bearer ${session.accessToken}` } : {};
}

/** After a token was refused: whether there is a new one now. Access tokens live for 15 minutes, and refresh tokens work once. */
export function renew(): Promise<boolean> {
  renewing ??= exchange().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function exchange(): Promise<boolean> {
  if (!session) return false;
  const { refreshToken } = session;
  // The token that was refused would be refused here, too.
  const { data, errors } = await send(Refresh, { input: { refreshToken } }, {});
  const [error] = errors ?? [];
  if (error && error.extensions?.code !== 'UNAUTHENTICATED') throw new Error(error.message);
  session = data?.refresh?.session;
  return session !== undefined;
}

/** The answer to one query or mutation, with the cursor to subscribe from. */
export async function request<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<{ data: Data; cursor: string }> {
  let answer = await send(document, variables);
  const isRefused = answer.errors?.[0]?.extensions?.code === 'UNAUTHENTICATED';
  if (isRefused && (await renew())) answer = await send(document, variables);
  const { data, errors, extensions } = answer;
  if (errors) throw new Error(errors[0]?.message);
  return { data: data as Data, cursor: extensions?.cursor ?? '' };
}

interface Answer<Data> {
  data?: Data;
  errors?: { message: string; extensions?: { code?: string } }[];
  extensions?: { cursor: string };
}

async function send<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  identity = authorization(),
): Promise<Answer<Data>> {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...identity,
    },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  return response.json();
}

/** Signs in, and returns the user's name. */
export async function signIn(email: string, password: string): Promise<string> {
  session = undefined;
  const { data } = await request(SignIn, { input: { email, password } });
  if (!data.signIn) throw new Error('not signed in');
  session = data.signIn.session;
  return data.signIn.user.name;
}
