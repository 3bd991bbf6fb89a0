// A normalizing cache takes what it has of an object for that of the version that it was told last. What a mutation answers with a
// version, it answers with all that this version says, or an old text stands under a new version and is written over unseen.
import { type FragmentDefinitionNode, Kind, parse, type SelectionSetNode } from 'graphql';
import { expect, test } from 'vitest';

const sources = import.meta.glob('../**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
}) as Record<string, string>;

type Selected = [name: string, inner: SelectionSetNode | undefined];

/** What rows and forms start from, by the field of the answer. */
const whole: Record<string, readonly string[]> = {
  chat: ['title'],
  post: ['message', 'likeCount', 'commentCount', 'likedByMe', 'updatedAt'],
  // What is on the page of users has no form of theirs.
  user: ['name', 'username'],
};

test('what mutations tell with a version is told whole', () => {
  const texts = Object.entries(sources)
    .filter(([path]) => !/generated|\.test\./.test(path))
    .flatMap(([, source]) => [...source.matchAll(/graphql\(`([^`]*)`\)/g)])
    .map(([, text = '']) => text);
  const definitions = texts.flatMap((text) => [...parse(text, { noLocation: true }).definitions]);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const each of definitions)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each);
  const fieldsOf = ({ selections }: SelectionSetNode): Selected[] =>
    selections.flatMap((selection): Selected[] => {
      if (selection.kind === Kind.FIELD) return [[selection.name.value, selection.selectionSet]];
      if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsOf(selection.selectionSet);
      const fragment = fragments.get(selection.name.value);
      return fragment ? fieldsOf(fragment.selectionSet) : [];
    });
  const told: string[] = [];
  const found: string[] = [];
  for (const each of definitions) {
    if (each.kind !== Kind.OPERATION_DEFINITION || each.operation !== 'mutation') continue;
    for (const [mutation, answer] of fieldsOf(each.selectionSet))
      for (const [field, object] of answer ? fieldsOf(answer) : []) {
        const names = new Set(object && fieldsOf(object).map(([name]) => name));
        if (!whole[field] || !names.has('version')) continue;
        told.push(mutation);
        const missing = whole[field].filter((name) => !names.has(name));
        if (missing.length) found.push(`${mutation} tells no ${missing.join(', no ')}`);
      }
  }
  expect(told).toEqual(expect.arrayContaining(['likePost', 'updatePost', 'addComment']));
  expect(found).toEqual([]);
});
