// Holds the contract of the repository to what was released: `node contract-check.mjs`. With `release` it then makes the present one the
// released one, unless something is in the way: `make release-schema`. Nobody has a version without a tag, so that one may be replaced.
import { changelog, current, isOut, release, released } from './contract-files.mjs';
import { judge } from './contract.mjs';

const isRelease = process.argv[2] === 'release';
const before = released();
const { problems, dangerous, harmless } = await judge({
  released: isRelease && !isOut(before.version) ? current() : before,
  current: current(),
  changelog: changelog(),
  releaseDay: isRelease ? new Date().toISOString().slice(0, 10) : undefined,
});
for (const change of dangerous) console.log(`dangerous: ${change}`);
console.log(`since ${before.version}: ${dangerous.length} dangerous changes, ${harmless} harmless ones`);
if (problems.length) {
  console.error(problems.join('\n'));
  console.error('docs/versions.md says what may change when. If nobody has the version yet: make release-schema');
  process.exit(1);
}
if (isRelease) console.log(`the contract is released as that of ${release()}`);
