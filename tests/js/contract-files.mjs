// Where the contract is in the repository, as it was released and as it is now.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, root), 'utf8');

const heading = (version) => `# The schema as released with ${version}. \`make release-schema\` writes it.\n`;

export const changelog = () => read('CHANGELOG.md');

export function current() {
  const [, version] = read('Cargo.toml').match(/^version = "(.*)"$/m);
  return { version, schema: read('schema/schema.graphql'), events: JSON.parse(read('entities/asyncapi.json')) };
}

export function released() {
  const schema = read('schema/released.graphql');
  const [, version] = schema.match(/^# .* released with (\d+\.\d+\.\d+)\. /);
  return { version, schema, events: JSON.parse(read('entities/released.asyncapi.json')) };
}

/** Whether this version has a tag. */
export function isOut(version) {
  return execFileSync('git', ['tag', '--list', `v${version}`], { cwd: root, encoding: 'utf8' }).trim() !== '';
}

/** Makes the present contract the released one. */
export function release() {
  const { version, schema } = current();
  writeFileSync(new URL('schema/released.graphql', root), heading(version) + schema);
  writeFileSync(new URL('entities/released.asyncapi.json', root), read('entities/asyncapi.json'));
  return version;
}
