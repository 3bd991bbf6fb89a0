// What the pages of users ask, and what is said of a user.
import type { Fields, Option } from '../../components/records/fields';
import '../../components/records/record-history';
import '../../components/records/users';
import { graphql } from '../../lib/graphql';

export const UserCounts = graphql(`
  query UserCounts @live {
    userStatistics { total byRole { role count } }
  }
`);
export const UserDetails = graphql(`
  query UserDetails($id: ID!, $withHistory: Boolean!) @live {
    user(id: $id) {
      ...UserRow
      bio
      email
      history(last: 21) @include(if: $withHistory) { ...RecordHistory }
    }
  }
`);
export const UserHistory = graphql(`
  query UserHistory($id: ID!, $before: String!) {
    user(id: $id) { id history(last: 50, before: $before) { ...RecordHistory } }
  }
`);
export const SetRole = graphql(`
  mutation SetRole($input: SetRoleInput!) {
    setRole(input: $input) { user { ...UserRow } }
  }
`);

export const roles = [
  { value: 'MEMBER', label: 'Member', tone: 'quiet' },
  { value: 'STAFF', label: 'Staff', tone: 'good' },
  { value: 'ADMIN', label: 'Administrator', tone: 'accent' },
] as const satisfies readonly Option[];

export const availabilities = [
  { value: 'ONLINE', label: 'Online', tone: 'good' },
  { value: 'AWAY', label: 'Away', tone: 'warn' },
  { value: 'BUSY', label: 'Busy', tone: 'bad' },
  { value: 'OFFLINE', label: 'Offline', tone: 'quiet' },
] as const satisfies readonly Option[];

/** What a time line tells of. */
export const fields: Fields = [
  { key: 'name', label: 'Name', kind: 'text' },
  { key: 'username', label: 'Username', kind: 'text' },
  { key: 'bio', label: 'About', kind: 'text' },
  { key: 'role', label: 'Role', kind: 'choice', options: roles },
  { key: 'availability', label: 'Availability', kind: 'choice', options: availabilities },
];
