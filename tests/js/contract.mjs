// What of the released contract has changed, and whether the version and the changelog say so: the
// schema, by the rules of graphql-inspector, and the events. `judge` knows no files; `contract-check.mjs`
// gives it those of the repository, and `contract-cases.mjs` gives it cases.
import { CriticalityLevel, DiffRule, diff } from '@graphql-inspector/core';
import { buildSchema, isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';

/**
 * @typedef {object} Contract What clients rely on.
 * @property {string} version the version of the program
 * @property {string} schema the schema, as SDL
 * @property {object} events the AsyncAPI document
 */

/**
 * Returns what must not be, what clients should look at, and what merely came.
 *
 * @param {{ released: Contract, current: Contract, changelog: string, releaseDay?: string }} what
 *   `releaseDay` (YYYY-MM-DD) is given when `current` is about to be released.
 * @returns {Promise<{ problems: string[], dangerous: string[], harmless: number }>}
 */
export async function judge({ released, current, changelog, releaseDay }) {
  const schema = buildSchema(current.schema);
  const changes = await diff(buildSchema(released.schema), schema, [DiffRule.ignoreDescriptionChanges]);
  const at = (level) => changes.filter(({ criticality }) => criticality.level === level);
  const breaking = at(CriticalityLevel.Breaking);
  const problems = [
    ...breaking.flatMap((change) => unsaid(change, sectionOf(changelog, released.version))),
    ...eventProblems(released.events, current.events, sectionOf(changelog, released.version)),
    ...deprecations(schema).flatMap((it) => deprecationProblems(schema, it, releaseDay)),
  ];
  if (breaking.length && !mayBreak(released.version, current.version)) {
    problems.push(
      `version ${current.version} may not break what ${released.version} promised: the next that may is ${nextBreaking(released.version)}`,
    );
  }
  return {
    problems,
    dangerous: at(CriticalityLevel.Dangerous).map(({ message }) => message),
    harmless: at(CriticalityLevel.NonBreaking).length,
  };
}

/** What the changelog says of everything after a version. */
function sectionOf(changelog, version) {
  return changelog.split(`\n## [${version}]`)[0];
}

function unsaid({ path, message }, said) {
  return said.includes(`\`${path}\``) ? [] : [`${message}: the changelog must say so, and name \`${path}\``];
}

/** By Semantic Versioning: the first number, or the second while the first is 0. */
function mayBreak(from, to) {
  const [before, after] = [from, to].map((version) => version.split('.').map(Number));
  return after[0] > before[0] || (after[0] === 0 && before[0] === 0 && after[1] > before[1]);
}

function nextBreaking(version) {
  const [major, minor] = version.split('.').map(Number);
  return major === 0 ? `0.${minor + 1}.0` : `${major + 1}.0.0`;
}

/** A published event never changes, whatever the version. What is around it may gain something, if the changelog says so. */
function eventProblems(released, current, said) {
  const problems = [];
  const schemas = [released, current].map(({ components }) => components.schemas);
  for (const name of Object.keys(released.components.messages)) {
    if (!current.components.messages[name]) problems.push(`${name} is gone, and events of it are not`);
  }
  for (const name of Object.keys(schemas[0])) {
    const [before, after] = schemas.map((all) => JSON.stringify(withReferences(all, all[name])));
    if (before === after) continue;
    const isAround = name === 'Envelope' || name.endsWith('Webhook');
    if (!isAround && without(schemas[0], name) !== without(schemas[1], name)) {
      problems.push(`${name} changed: give it a new schema version`);
    } else if (isAround && !said.includes(`\`${name}\``)) {
      problems.push(`${name} changed: the changelog must say so, and name \`${name}\``);
    }
  }
  return problems;
}

/** A schema with everything that it refers to, so that a change below shows. */
function withReferences(all, schema, leaveOut) {
  return JSON.parse(JSON.stringify(schema ?? null), (_, value) => {
    const name = value?.$ref?.split('/').at(-1);
    return name && name !== leaveOut ? withReferences(all, all[name], leaveOut) : value;
  });
}

function without(all, name) {
  return JSON.stringify(withReferences(all, all[name], 'Envelope'));
}

/** Everything that is deprecated, as `Type.field`, with the reason and its siblings. */
function deprecations(schema) {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  return types.flatMap((type) => {
    const members = isEnumType(type)
      ? type.getValues()
      : isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
        ? Object.values(type.getFields())
        : [];
    const all = members.flatMap((member) => [
      { path: `${type.name}.${member.name}`, reason: member.deprecationReason, siblings: members },
      ...(member.args ?? []).map((argument) => ({
        path: `${type.name}.${member.name}.${argument.name}`,
        reason: argument.deprecationReason,
        siblings: [...member.args, ...members],
      })),
    ]);
    return all.filter(({ reason }) => reason != null);
  });
}

/** A reason names what to use instead, and the day from which it may be gone: "Use `name`. Removed after 2027-06-30." */
function deprecationProblems(schema, { path, reason, siblings }, releaseDay) {
  const problems = [];
  const names = [...reason.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
  const isThere = (name) => {
    if (siblings.some((sibling) => sibling.name === name)) return true;
    const [type, field, ...more] = name.split('.');
    const fields = schema.getType(type)?.getFields?.() ?? {};
    return Boolean(schema.getType(type)) && !more.length && (!field || field in fields);
  };
  if (!names.length) problems.push(`${path}: its deprecation names no replacement, such as \`name\` or \`Type.name\``);
  for (const name of names.filter((name) => !isThere(name))) {
    problems.push(`${path}: its deprecation names \`${name}\`, which is not in the schema`);
  }
  const day = reason.match(/\b\d{4}-\d{2}-\d{2}\b/)?.[0];
  if (!day || Number.isNaN(Date.parse(day))) {
    problems.push(`${path}: its deprecation names no day (YYYY-MM-DD) after which it is removed`);
  } else if (releaseDay && day < releaseDay) {
    problems.push(`${path}: it was to be removed after ${day}; remove it, or give clients more time`);
  }
  return problems;
}
