// What the pages of students ask, and what a student is made of.
import type { Fields, Option } from '../../components/records/fields';
import '../../components/records/record-history';
import '../../components/user-name';
import { graphql } from '../../lib/graphql';

export const StudentRow = graphql(`
  fragment StudentRow on Student {
    id version name givenName familyName email studentNumber course year status createdAt updatedAt deletedAt
  }
`);
export const StudentDetails = graphql(`
  fragment StudentDetails on Student {
    ...StudentRow
    createdBy { name ... on User { id ...UserName } }
    updatedBy { name ... on User { id ...UserName } }
    history(last: 21) { ...RecordHistory }
  }
`);

export const StudentPage = graphql(`
  query StudentPage($first: Int!, $after: String, $filter: StudentFilter, $sort: StudentSort) {
    students(first: $first, after: $after, filter: $filter, sort: $sort) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...StudentRow }
    }
  }
`);
export const StudentChanges = graphql(`
  subscription StudentChanges($after: String) {
    studentChanged(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      student { ...StudentRow }
    }
  }
`);
export const StudentCounts = graphql(`
  query StudentCounts @live {
    studentStatistics { total byStatus { status count } }
  }
`);
export const ImportStudents = graphql(`
  mutation ImportStudents($input: ImportStudentsInput!) {
    importStudents(input: $input) {
      rows { index outcome violations { field message } }
    }
  }
`);
export const StudentById = graphql(`
  query StudentById($id: ID!) @live {
    student(id: $id) { ...StudentDetails }
  }
`);
export const DeletedStudent = graphql(`
  query DeletedStudent($filter: StudentFilter!) @live {
    students(first: 1, filter: $filter) { nodes { ...StudentDetails } }
  }
`);
export const StudentNow = graphql(`
  query StudentNow($filter: StudentFilter!) {
    students(first: 1, filter: $filter) { nodes { ...StudentDetails } }
  }
`);
export const StudentHistory = graphql(`
  query StudentHistory($filter: StudentFilter!, $before: String!) {
    students(first: 1, filter: $filter) {
      nodes { id history(last: 50, before: $before) { ...RecordHistory } }
    }
  }
`);

export const CreateStudent = graphql(`
  mutation CreateStudent($input: CreateStudentInput!) {
    createStudent(input: $input) { student { ...StudentRow } }
  }
`);
export const UpdateStudent = graphql(`
  mutation UpdateStudent($input: UpdateStudentInput!) {
    updateStudent(input: $input) {
      student { ...StudentRow updatedBy { name ... on User { id ...UserName } } }
    }
  }
`);
export const DeleteStudent = graphql(`
  mutation DeleteStudent($input: DeleteStudentInput!) {
    deleteStudent(input: $input) {
      student { ...StudentRow updatedBy { name ... on User { id ...UserName } } }
    }
  }
`);
export const RestoreStudent = graphql(`
  mutation RestoreStudent($input: RestoreStudentInput!) {
    restoreStudent(input: $input) {
      student { ...StudentRow updatedBy { name ... on User { id ...UserName } } }
    }
  }
`);
export const UpdateStudents = graphql(`
  mutation UpdateStudents($rows: [UpdateStudentInput!]!) {
    updateStudents(input: { rows: $rows, mode: EACH }) {
      rows { index student { ...StudentRow } error { message violations { message } } }
    }
  }
`);
export const DeleteStudents = graphql(`
  mutation DeleteStudents($rows: [DeleteStudentInput!]!) {
    deleteStudents(input: { rows: $rows, mode: EACH }) {
      rows { index student { ...StudentRow } error { message violations { message } } }
    }
  }
`);
export const RestoreStudents = graphql(`
  mutation RestoreStudents($rows: [RestoreStudentInput!]!) {
    restoreStudents(input: { rows: $rows, mode: EACH }) {
      rows { index student { ...StudentRow } error { message violations { message } } }
    }
  }
`);

export const statuses = [
  { value: 'APPLICANT', label: 'Applicant', tone: 'accent' },
  { value: 'ENROLLED', label: 'Enrolled', tone: 'good' },
  { value: 'ON_LEAVE', label: 'On leave', tone: 'warn' },
  { value: 'GRADUATED', label: 'Graduated', tone: 'quiet' },
  { value: 'WITHDRAWN', label: 'Withdrawn', tone: 'bad' },
] as const satisfies readonly Option[];

const whole: Fields = [{ key: 'name', label: 'Name', kind: 'text', isRequired: true }];
const parts: Fields = [
  { key: 'givenName', label: 'Given names', kind: 'text' },
  { key: 'familyName', label: 'Family name', kind: 'text' },
];
const others: Fields = [
  { key: 'email', label: 'Email address', kind: 'email', isRequired: true },
  { key: 'studentNumber', label: 'Student number', kind: 'text' },
  { key: 'course', label: 'Course', kind: 'text', isRequired: true },
  { key: 'year', label: 'Year', kind: 'number', isRequired: true, initial: '1' },
  { key: 'status', label: 'Status', kind: 'choice', options: statuses, initial: 'APPLICANT' },
];

/** What is typed, name by name. */
export const fields: Fields = [...parts, ...others];
/** What histories tell: events of before there were parts have the whole name only. */
export const told: Fields = [...whole, ...others];
/** What a file may have: the name in one column, or in two. */
export const columns: Fields = [...whole, ...parts, ...others];

export const verbs: Record<string, string> = {
  StudentCreated: 'added the student',
  StudentUpdated: 'changed the student',
  StudentDeleted: 'deleted the student',
  StudentRestored: 'brought the student back',
};
