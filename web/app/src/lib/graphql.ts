// `graphql(…)` at run time. What codegen generates holds the documents of all pages; this makes each from its own text, so that
// a page loads with its own. Fragments are found by their names, which codegen keeps unique: import the component that has one.
import { gql } from '@urql/core';
import { type DocumentNode, Kind } from 'graphql';
import type { graphql as typed } from '../generated';

const fragments = new Map<string, DocumentNode>();

function compose(text: string): DocumentNode {
  const own = gql(text) as unknown as DocumentNode;
  const definitions = new Set(own.definitions);
  for (const [, name = ''] of text.matchAll(/\.\.\.\s*(?!on\b)([A-Za-z_]\w*)/g)) {
    const fragment = fragments.get(name);
    if (!fragment)
      throw new Error(`The fragment ${name} is not loaded: import the file that has it`);
    for (const definition of fragment.definitions) definitions.add(definition);
  }
  const document = { kind: Kind.DOCUMENT, definitions: [...definitions] } as DocumentNode;
  const [first] = own.definitions;
  if (first?.kind === Kind.FRAGMENT_DEFINITION) fragments.set(first.name.value, document);
  return document;
}

export const graphql = compose as unknown as typeof typed;
