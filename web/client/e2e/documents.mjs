// A gateway that runs trusted documents alone, and knows those of documents.json: what the client does by itself works.
import { program, until } from '../../../tests/js/program.mjs';
import { connect } from './gateway.mjs';

await program(async (base, check) => {
  const client = connect(`${base}/graphql`);
  const run = Math.random().toString(36).slice(2, 8);
  const [email, password] = [`${run}@example.com`, `the password of ${run}`];
  const id = await client.register({ name: `Guest ${run}`, email, password });
  await client.signOut({ everywhere: true });
  check('registering, and signing out everywhere', client.userId === undefined);
  check('signing in', (await client.signIn({ email, password })) === id);
  const changes = [];
  client.onSession((change) => changes.push(change));
  await until('a renewal', () => changes.includes('renewed'));
  check('renewing', client.userId === id, changes);
  await client.signOut();
  check('signing out', client.userId === undefined);
  const code = await client.query({ query: '{ me { id } }' }).catch((error) => error.code);
  check('nothing that is not in the file', code === 'DOCUMENT_NOT_TRUSTED', code);
  client.dispose();
});
