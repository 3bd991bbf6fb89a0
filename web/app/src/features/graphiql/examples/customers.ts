// Examples of customers. They need somebody of the staff.
import createCustomer from './customers/create-customer.graphql?raw';
import customerHistory from './customers/customer-history.graphql?raw';
import listCustomers from './customers/list-customers.graphql?raw';
import resumeCustomers from './customers/resume-customers.graphql?raw';
import updateCustomer from './customers/update-customer.graphql?raw';
import watchCustomers from './customers/watch-customers.graphql?raw';
import watchStatistics from './customers/watch-statistics.graphql?raw';
import { type Example, randomTag } from './example';

const unknownCustomer = { id: 'customer_', version: 1 };

export const customers: Example[] = [
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
