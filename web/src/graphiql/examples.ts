// The ready-made operations of the Examples panel, in the order a newcomer would try them. The
// documents are plain .graphql files, so that tests can validate them against the schema.
import createCustomer from './examples/create-customer.graphql?raw';
import customerHistory from './examples/customer-history.graphql?raw';
import listCustomers from './examples/list-customers.graphql?raw';
import resumeCustomers from './examples/resume-customers.graphql?raw';
import updateCustomer from './examples/update-customer.graphql?raw';
import watchCustomers from './examples/watch-customers.graphql?raw';
import watchStatistics from './examples/watch-statistics.graphql?raw';
import type { Session } from './session';

export type Example = {
  title: string;
  sentence: string;
  live?: true;
  query: string;
  /** Filled in from what earlier responses showed, so that an example runs without copying ids. */
  variables?: (session: Session) => Record<string, unknown>;
};

const unknownCustomer = { id: 'customer_', version: 1 };

export const examples: Example[] = [
  {
    title: 'Create a customer',
    sentence: 'The customer and its first event are stored together, or not at all.',
    query: createCustomer,
    variables: () => ({
      input: { name: 'Ada Lovelace', email: `ada.${randomTag()}@example.com`, status: 'ACTIVE' },
    }),
  },
  {
    title: 'List customers',
    sentence: 'Search, newest first; put endCursor into after for the next page.',
    query: listCustomers,
    variables: () => ({ search: 'ada', first: 10, after: null }),
  },
  {
    title: 'Watch customers change',
    sentence: 'Shows each change as it happens; make some from a second window.',
    live: true,
    query: watchCustomers,
    variables: () => ({ after: null }),
  },
  {
    title: 'Resume from a cursor',
    sentence:
      'First everything since this page was opened, then live: nothing lost, nothing twice.',
    live: true,
    query: resumeCustomers,
    variables: ({ openingCursor }) => ({ after: openingCursor ?? '' }),
  },
  {
    title: 'Watch the statistics',
    sentence: 'The current numbers first, then every new state of them.',
    live: true,
    query: watchStatistics,
  },
  {
    title: 'Update with expectedVersion',
    sentence: 'Refused with CONFLICT when somebody else has changed the customer since.',
    query: updateCustomer,
    variables: ({ customer: { id, version } = unknownCustomer }) => ({
      input: { id, expectedVersion: version, name: 'Ada King' },
    }),
  },
  {
    title: "Read a customer's history",
    sentence: 'Every event of one customer, oldest first: who changed what, and when.',
    query: customerHistory,
    variables: ({ customer: { id } = unknownCustomer }) => ({ id }),
  },
];

/** The variables as the editor shows them; empty where an example takes none. */
export function variablesText(example: Example, session: Session): string {
  return example.variables ? JSON.stringify(example.variables(session), null, 2) : '';
}

/** E-mail addresses are unique: without it the example would run only once. */
function randomTag(): string {
  return Math.random().toString(36).slice(2, 8);
}
