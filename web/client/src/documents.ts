// What this client sends by itself. A gateway that runs trusted documents alone reads the same from documents.json.
const issued = 'session { accessToken accessTokenExpiresAt refreshToken } user { id }';

export const documents = {
  signIn: `mutation ($input: SignInInput!) { entered: signIn(input: $input) { ${issued} } }`,
  register: `mutation ($input: RegisterInput!) { entered: register(input: $input) { ${issued} } }`,
  refresh: `mutation ($input: RefreshInput!) { entered: refresh(input: $input) { ${issued} } }`,
  signOut: 'mutation { signOut { __typename } }',
  signOutEverywhere: 'mutation { signOut(input: { everywhere: true }) { __typename } }',
  /** For what every answer has beside its data, such as the cursor. */
  nothing: '{ __typename }',
} as const;
