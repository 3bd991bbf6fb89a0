// Users for the programs: registered over HTTP, with what they sign in with at hand.
import { post } from './customers.mjs';

const issued = 'session { accessToken accessTokenExpiresAt refreshToken } user { id name email role }';

const documents = {
  register: `mutation ($input: RegisterInput!) { register(input: $input) { ${issued} } }`,
  signIn: `mutation ($input: SignInInput!) { signIn(input: $input) { ${issued} } }`,
  refresh: `mutation ($input: RefreshInput!) { refresh(input: $input) { ${issued} } }`,
};

const run = Math.random().toString(36).slice(2, 8);

/** A new member whose name and address no other run has. */
export async function register(base, name) {
  const email = `${name.toLowerCase()}.${run}@people.example.com`;
  const input = { name: `${name} ${run}`, email, password: `the password of ${name}` };
  return { ...input, ...(await issue(base, 'register', input)) };
}

/** The administrator whose credentials the environment has, in a session of its own. */
export async function signInAsAdmin(base) {
  const { SIGN_IN_EMAIL: email, SIGN_IN_PASSWORD: password } = process.env;
  return { email, password, ...(await issue(base, 'signIn', { email, password })) };
}

/** The same session with its next tokens. */
export async function refresh(base, { refreshToken }) {
  return issue(base, 'refresh', { refreshToken });
}

async function issue(base, field, input) {
  const { data } = await post(base, documents[field], { input }, null);
  const { session, user } = data[field];
  return { ...session, id: user.id, name: user.name, authorization: `Bearer ${session.accessToken}` };
}
