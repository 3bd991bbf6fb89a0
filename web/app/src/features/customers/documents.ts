// What the pages of customers ask, and what a customer is made of.
import type { Fields, Option } from '../../components/records/fields';
import '../../components/records/record-history';
import '../../components/user-name';
import { graphql } from '../../lib/graphql';

export const CustomerRow = graphql(`
  fragment CustomerRow on Customer {
    id version name email phone status createdAt updatedAt deletedAt
  }
`);
export const CustomerDetails = graphql(`
  fragment CustomerDetails on Customer {
    ...CustomerRow
    address { lines city region postalCode country }
    createdBy { name ... on User { id ...UserName } }
    updatedBy { name ... on User { id ...UserName } }
    history(last: 21) { ...RecordHistory }
  }
`);

export const CustomerPage = graphql(`
  query CustomerPage($first: Int!, $after: String, $filter: CustomerFilter, $sort: CustomerSort) {
    customers(first: $first, after: $after, filter: $filter, sort: $sort) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...CustomerRow }
    }
  }
`);
export const CustomerChanges = graphql(`
  subscription CustomerChanges($after: String) {
    customerChanged(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      customer { ...CustomerRow }
    }
  }
`);
export const CustomerCounts = graphql(`
  query CustomerCounts @live {
    customerStatistics { total byStatus { status count } }
  }
`);
export const CustomerById = graphql(`
  query CustomerById($id: ID!) @live {
    customer(id: $id) { ...CustomerDetails }
  }
`);
export const DeletedCustomer = graphql(`
  query DeletedCustomer($filter: CustomerFilter!) @live {
    customers(first: 1, filter: $filter) { nodes { ...CustomerDetails } }
  }
`);
export const CustomerNow = graphql(`
  query CustomerNow($filter: CustomerFilter!) {
    customers(first: 1, filter: $filter) { nodes { ...CustomerDetails } }
  }
`);
export const CustomerHistory = graphql(`
  query CustomerHistory($filter: CustomerFilter!, $before: String!) {
    customers(first: 1, filter: $filter) {
      nodes { id history(last: 50, before: $before) { ...RecordHistory } }
    }
  }
`);

export const CreateCustomer = graphql(`
  mutation CreateCustomer($input: CreateCustomerInput!) {
    createCustomer(input: $input) { customer { ...CustomerRow } }
  }
`);
export const UpdateCustomer = graphql(`
  mutation UpdateCustomer($input: UpdateCustomerInput!) {
    updateCustomer(input: $input) {
      customer { ...CustomerRow updatedBy { name ... on User { id ...UserName } } }
    }
  }
`);
export const DeleteCustomer = graphql(`
  mutation DeleteCustomer($input: DeleteCustomerInput!) {
    deleteCustomer(input: $input) {
      customer { ...CustomerRow updatedBy { name ... on User { id ...UserName } } }
    }
  }
`);
export const RestoreCustomer = graphql(`
  mutation RestoreCustomer($input: RestoreCustomerInput!) {
    restoreCustomer(input: $input) {
      customer { ...CustomerRow updatedBy { name ... on User { id ...UserName } } }
    }
  }
`);
export const UpdateCustomers = graphql(`
  mutation UpdateCustomers($rows: [UpdateCustomerInput!]!) {
    updateCustomers(input: { rows: $rows, mode: EACH }) {
      rows { index customer { ...CustomerRow } error { message violations { message } } }
    }
  }
`);
export const DeleteCustomers = graphql(`
  mutation DeleteCustomers($rows: [DeleteCustomerInput!]!) {
    deleteCustomers(input: { rows: $rows, mode: EACH }) {
      rows { index customer { ...CustomerRow } error { message violations { message } } }
    }
  }
`);
export const RestoreCustomers = graphql(`
  mutation RestoreCustomers($rows: [RestoreCustomerInput!]!) {
    restoreCustomers(input: { rows: $rows, mode: EACH }) {
      rows { index customer { ...CustomerRow } error { message violations { message } } }
    }
  }
`);

export const statuses = [
  { value: 'PROSPECT', label: 'Prospect', tone: 'accent' },
  { value: 'ACTIVE', label: 'Active', tone: 'good' },
  { value: 'SUSPENDED', label: 'Suspended', tone: 'warn' },
  { value: 'CLOSED', label: 'Closed', tone: 'quiet' },
] as const satisfies readonly Option[];

export const fields: Fields = [
  { key: 'name', label: 'Name', kind: 'text', isRequired: true },
  { key: 'email', label: 'Email address', kind: 'email', isRequired: true },
  { key: 'phone', label: 'Phone', kind: 'tel' },
  { key: 'lines', label: 'Street', kind: 'lines', isRequired: true, within: 'address' },
  { key: 'city', label: 'City', kind: 'text', isRequired: true, within: 'address' },
  { key: 'region', label: 'Region', kind: 'text', within: 'address' },
  { key: 'postalCode', label: 'Postal code', kind: 'text', within: 'address' },
  { key: 'country', label: 'Country code', kind: 'text', isRequired: true, within: 'address' },
  { key: 'status', label: 'Status', kind: 'choice', options: statuses, initial: 'PROSPECT' },
];

export const verbs: Record<string, string> = {
  CustomerCreated: 'added the customer',
  CustomerUpdated: 'changed the customer',
  CustomerDeleted: 'deleted the customer',
  CustomerRestored: 'brought the customer back',
};
