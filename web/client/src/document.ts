// What this client must know of a document before it is sent: its kind, whether it is live, and the variable of the cursor
// to resume from. A document is never changed: its text may be one that the gateway trusts, or has a hash of.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionSetNode,
} from 'graphql';
import { MillraceError } from './errors.ts';
import type { Operation, Payload } from './types.ts';

export interface Reading {
  text: string;
  kind: 'query' | 'mutation' | 'subscription';
  /** Whether it stays open: a subscription, or a query with `@live`. */
  isStream: boolean;
  /** The variable that names the cursor to start after. Without one a subscription shows the present when it comes back. */
  after: string | undefined;
  /** The names of its root fields. */
  fields: readonly string[];
}

/** Root fields whose answers and inputs are secrets. The gateway keeps no answers of them, so a key does not make them repeatable. */
const secretFields = new Set([
  'register',
  'signIn',
  'signOut',
  'changePassword',
  'refresh',
  'resetPassword',
  'verifyEmail',
]);
/** Texts are remembered, as clients repeat them, up to this many. */
const mostTexts = 500;

const byText = new Map<string, { document: DocumentNode; text: string }>();
const byNode = new WeakMap<DocumentNode, { document: DocumentNode; text: string }>();

export function read({ query, operationName }: Operation): Reading {
  const { document, text } =
    typeof query === 'object' && 'kind' in query ? printed(query) : parsed(String(query));
  const operations = document.definitions.filter(
    (it): it is OperationDefinitionNode => it.kind === Kind.OPERATION_DEFINITION,
  );
  const operation = operationName
    ? operations.find((it) => it.name?.value === operationName)
    : operations[0];
  if (!operation) throw new MillraceError('BAD_REQUEST', 'The document has no such operation');
  const fields = rootsOf(operation.selectionSet, document);
  const kind = operation.operation;
  const isLive = operation.directives?.some((it) => it.name.value === 'live') ?? false;
  return {
    text,
    kind,
    isStream: kind === 'subscription' || (kind === 'query' && isLive),
    after: kind === 'subscription' ? afterVariable(fields[0]) : undefined,
    fields: fields.map((field) => field.name.value),
  };
}

export function isSecret(reading: Reading): boolean {
  return reading.kind === 'mutation' && reading.fields.some((field) => secretFields.has(field));
}

/** The operation as it is sent, in an object of its own: `variables` may be changed in place. */
export function payloadOf(operation: Operation, reading: Reading): Payload {
  return {
    query: reading.text,
    variables: { ...operation.variables },
    ...(operation.operationName && { operationName: operation.operationName }),
    ...(operation.extensions && { extensions: operation.extensions }),
  };
}

/** Those in fragments are roots, too. */
function rootsOf(
  { selections }: SelectionSetNode,
  document: DocumentNode,
  seen = new Set<string>(),
): FieldNode[] {
  return selections.flatMap((it) => {
    if (it.kind === Kind.FIELD) return [it];
    if (it.kind === Kind.INLINE_FRAGMENT) return rootsOf(it.selectionSet, document, seen);
    const name = it.name.value;
    if (seen.has(name)) return [];
    seen.add(name);
    const fragment = document.definitions.find(
      (it): it is FragmentDefinitionNode =>
        it.kind === Kind.FRAGMENT_DEFINITION && it.name.value === name,
    );
    return fragment ? rootsOf(fragment.selectionSet, document, seen) : [];
  });
}

function afterVariable(root: FieldNode | undefined): string | undefined {
  const argument = root?.arguments?.find((it) => it.name.value === 'after');
  if (!argument || argument.value.kind === Kind.NULL) return undefined;
  if (argument.value.kind === Kind.VARIABLE) return argument.value.name.value;
  // It could not be moved on, so everything since that cursor would come again after a lost connection.
  const message =
    'Pass the cursor as a variable: `subscription ($after: String) { …(after: $after) }`';
  throw new MillraceError('BAD_REQUEST', message);
}

function parsed(query: string) {
  const known = byText.get(query);
  if (known) return known;
  let document: DocumentNode;
  try {
    document = parse(query, { noLocation: true });
  } catch (cause) {
    throw new MillraceError('GRAPHQL_PARSE_FAILED', (cause as Error).message, { cause });
  }
  if (byText.size >= mostTexts) byText.clear();
  const fresh = { document, text: query };
  byText.set(query, fresh);
  return fresh;
}

function printed(query: DocumentNode) {
  const known = byNode.get(query);
  if (known) return known;
  const fresh = { document: query, text: print(query) };
  byNode.set(query, fresh);
  return fresh;
}
