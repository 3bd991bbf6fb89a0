// What `judge` has to find, and what it has to let pass.
import assert from 'node:assert/strict';
import { judge } from './contract.mjs';

const schema = `
  type Query { customer(id: ID!, deep: Boolean = false): Customer things(filter: Filter): [Thing!] }
  type Customer { id: ID! name: String! status: Status! }
  type Thing { id: ID! }
  enum Status { ACTIVE BLOCKED }
  input Filter { name: String }
`;

const events = {
  components: {
    messages: { CreatedV1: {}, CreatedV2: {} },
    schemas: {
      Envelope: { properties: { position: {} } },
      CreatedV1: { allOf: [{ $ref: '#/components/schemas/Envelope' }, { $ref: '#/components/schemas/DataV1' }] },
      CreatedV2: {},
      DataV1: { properties: { name: {} } },
      DoneWebhook: { properties: { data: { $ref: '#/components/schemas/DataV1' } } },
    },
  },
};

/** The same as 0.1.0, with something else. */
async function judged({ replace = [], change = () => {}, version = '0.1.0', from = '0.1.0', said = '', releaseDay }) {
  const [before, after] = replace;
  assert(!before || schema.includes(before), before);
  const changed = structuredClone(events);
  change(changed.components);
  return judge({
    released: { version: from, schema, events },
    current: { version, schema: before ? schema.replace(before, after) : schema, events: changed },
    changelog: `# Changelog\n\n## [Unreleased]\n\n${said}\n\n## [${from}] - 2026-01-01\n\nThe first, with \`Customer.name\`.\n`,
    releaseDay,
  });
}

const removed = ['name: String! ', ''];
const deprecated = (reason) => ['name: String! ', `name: String! @deprecated(reason: "${reason}") fullName: String! `];

/** What is done, how many problems there are, and a word of each. */
const cases = [
  ['nothing', {}, []],
  ['a field removed', { replace: removed }, ['name `Customer.name`', 'the next that may is 0.2.0']],
  ['the same, said', { replace: removed, said: '`Customer.name` is gone.' }, ['the next that may is 0.2.0']],
  ['the same, in a version that may', { replace: removed, version: '0.2.0' }, ['name `Customer.name`']],
  ['the same, said, in a version that may', { replace: removed, version: '0.2.0', said: 'No `Customer.name`.' }, []],
  ['the same in a patch', { replace: removed, version: '0.1.1', said: 'No `Customer.name`.' }, ['0.2.0']],
  ['the same in 1.x', { replace: removed, from: '1.2.0', version: '1.3.0', said: 'No `Customer.name`.' }, ['2.0.0']],
  ['the same in 2.0', { replace: removed, from: '1.2.0', version: '2.0.0', said: 'No `Customer.name`.' }, []],
  ['a field that may now be null', { replace: ['name: String!', 'name: String'] }, ['Customer.name', '0.2.0']],
  ['an argument that is now needed', { replace: ['deep: Boolean = false', 'deep: Boolean!'] }, ['deep', '0.2.0']],
  ['a value removed', { replace: ['ACTIVE BLOCKED', 'ACTIVE'] }, ['Status.BLOCKED', '0.2.0']],
  ['an input field that is needed', { replace: ['input Filter {', 'input Filter { id: ID!'] }, ['Filter.id', '0.2.0']],
  ['a type removed', { replace: [' things(filter: Filter): [Thing!]', ''] }, ['Query.things', '0.2.0']],
  ['a field added', { replace: ['name: String!', 'name: String! note: String'] }, []],
  ['an event removed', { change: ({ messages }) => delete messages.CreatedV1 }, ['CreatedV1 is gone']],
  ['an event added', { change: ({ messages }) => Object.assign(messages, { CreatedV3: {} }) }, []],
  [
    'data changed, below',
    { change: ({ schemas }) => Object.assign(schemas.DataV1.properties, { age: {} }) },
    ['CreatedV1 changed', 'DataV1 changed', 'DoneWebhook changed'],
  ],
  [
    'the envelope changed',
    { change: ({ schemas }) => Object.assign(schemas.Envelope.properties, { follows: {} }) },
    ['name `Envelope`'],
  ],
  [
    'the envelope changed, said',
    { change: ({ schemas }) => Object.assign(schemas.Envelope.properties, { follows: {} }), said: '`Envelope` has more.' },
    [],
  ],
  ['a deprecation', { replace: deprecated('Use `fullName`. Removed after 2027-01-01.') }, []],
  ['one without a day', { replace: deprecated('Use `fullName`.') }, ['no day']],
  ['one with no day of the calendar', { replace: deprecated('Use `fullName`, until 2027-13-41.') }, ['no day']],
  ['one without a replacement', { replace: deprecated('Removed after 2027-01-01.') }, ['no replacement']],
  ['one whose replacement is not there', { replace: deprecated('Use `Thing.name`, until 2027-01-01.') }, ['Thing.name']],
  ['one whose replacement is elsewhere', { replace: deprecated('Use `Thing.id`, until 2027-01-01.') }, []],
  ['one whose day has passed', { replace: deprecated('Use `fullName`, until 2020-01-01.') }, []],
  ['that one, released', { replace: deprecated('Use `fullName`, until 2020-01-01.'), releaseDay: '2026-01-01' }, ['2020-01-01']],
  [
    'a value that is deprecated without a day',
    { replace: ['BLOCKED', 'BLOCKED @deprecated(reason: "Use `ACTIVE`.")'] },
    ['Status.BLOCKED'],
  ],
];

for (const [what, done, expected] of cases) {
  const { problems } = await judged(done);
  const isFound = expected.every((word, i) => problems[i]?.includes(word));
  assert(isFound && problems.length === expected.length, `${what}: ${problems.join('\n') || 'nothing'}`);
}
const { dangerous } = await judged({ replace: ['ACTIVE BLOCKED', 'ACTIVE BLOCKED GONE'] });
assert.match(dangerous.join(), /GONE/);
console.log(`passed, ${cases.length + 1} cases`);
