// The ready-made operations of the Examples panel, by domain, in the order a newcomer would try
// them. The documents are plain .graphql files, so that tests can validate them against the schema.
import { chats } from './examples/chats';
import { customers } from './examples/customers';
import type { Example, Group } from './examples/example';
import { operations } from './examples/operations';
import { posts } from './examples/posts';
import { signals } from './examples/signals';
import { students } from './examples/students';
import { users } from './examples/users';
import type { Seen } from './seen';

export const groups: Group[] = [
  { title: 'Users', examples: users },
  { title: 'Chats', examples: chats },
  { title: 'Posts', examples: posts },
  { title: 'Customers', examples: customers },
  { title: 'Students', examples: students },
  { title: 'Signals', examples: signals },
  { title: 'Operations', examples: operations },
];

/** The variables as the editor shows them; empty where an example takes none. */
export function variablesText(example: Example, seen: Seen): string {
  return example.variables ? JSON.stringify(example.variables(seen), null, 2) : '';
}

/** The headers in the same way. */
export function headersText(example: Example, seen: Seen): string {
  return example.headers ? JSON.stringify(example.headers(seen), null, 2) : '';
}
