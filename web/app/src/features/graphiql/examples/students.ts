// Examples of students. They need somebody of the staff.
import { type Example, randomTag } from './example';
import createStudent from './students/create-student.graphql?raw';
import importStudents from './students/import-students.graphql?raw';
import listStudents from './students/list-students.graphql?raw';
import watchStudents from './students/watch-students.graphql?raw';

export const students: Example[] = [
  {
    title: 'Create a student',
    sentence: 'Email addresses and student numbers are unique.',
    query: createStudent,
    variables: () => ({
      input: {
        name: 'Emmy Noether',
        email: `emmy.${randomTag()}@example.com`,
        course: 'Mathematics',
        status: 'ENROLLED',
      },
    }),
  },
  {
    title: 'List students',
    sentence: 'Search in names, addresses, numbers and courses; in any order.',
    query: listStudents,
    variables: () => ({
      filter: { search: 'math', status: { eq: 'ENROLLED' } },
      sort: { field: 'NAME', direction: 'ASC' },
      first: 10,
      after: null,
    }),
  },
  {
    title: 'Import students',
    sentence: 'EACH: each row for itself. The last one is refused, and the answer says why.',
    query: importStudents,
    variables: () => ({
      input: {
        mode: 'EACH',
        existing: 'SKIP',
        rows: [
          { name: 'Sofya Kovalevskaya', email: 'sofya@example.com', course: 'Mathematics' },
          { name: 'Lise Meitner', email: 'lise@example.com', course: 'Physics', year: 2 },
          { name: '', email: 'nowhere', course: 'Physics', year: 99 },
        ],
      },
    }),
  },
  {
    title: 'Watch students',
    sentence: 'Who is new, and that a worker has put them into the cache: CACHED follows CREATED.',
    live: true,
    query: watchStudents,
    variables: () => ({ types: ['CREATED', 'CACHED'], after: null }),
  },
];
