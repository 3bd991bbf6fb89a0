// Requests over HTTP, and the session that they and the socket belong to.
import { graphql } from './generated';
import type { TypedDocumentString } from './generated/graphql';

const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { session { accessToken } user { name } }
  }
`);

let accessToken: string | undefined;

export function authorization(): Record<string, string> {
  return accessToken ? { authorization: `Bearer ${accessToken}` } : {};
}

/** The answer to one query or mutation, with the cursor to subscribe from. */
export async function request<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<{ data: Data; cursor: string }> {
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...authorization(),
    },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const { data, errors, extensions } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return { data, cursor: extensions.cursor };
}

/** Signs in, and returns the user's name. */
export async function signIn(email: string, password: string): Promise<string> {
  const { data } = await request(SignIn, { input: { email, password } });
  if (!data.signIn) throw new Error('not signed in');
  accessToken = data.signIn.session.accessToken;
  return data.signIn.user.name;
}
