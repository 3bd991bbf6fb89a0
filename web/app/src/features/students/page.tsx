// The list of students.
import { Button } from '@mantine/core';
import { FileUp, GraduationCap } from 'lucide-react';
import { lazy, Suspense } from 'react';
import { recordColumns } from '../../components/records/record-columns';
import { answers } from '../../components/records/record-tasks';
import { RecordsPage } from '../../components/records/records-page';
import type {
  CreateStudentInput,
  StudentRowFragment,
  UpdateStudentInput,
} from '../../generated/graphql';
import { useAct, useLive } from '../../lib/live';
import { choiceOf, type ListSearch, useListSearch } from '../../lib/search';
import {
  CreateStudent,
  DeleteStudents,
  fields,
  RestoreStudents,
  StudentChanges,
  StudentCounts,
  StudentPage,
  statuses,
  UpdateStudents,
} from './documents';

const columns = recordColumns<StudentRowFragment>('/students/$id', statuses, [
  {
    key: 'course',
    header: 'Course',
    sort: 'COURSE',
    width: 'minmax(0, 2fr)',
    cell: ({ course }) => course,
  },
  {
    key: 'year',
    header: 'Year',
    sort: 'YEAR',
    width: '56px',
    isNumber: true,
    isWide: true,
    cell: ({ year }) => year,
  },
  {
    key: 'email',
    header: 'Email address',
    sort: 'EMAIL',
    width: 'minmax(0, 3fr)',
    isWide: true,
    cell: ({ email }) => email,
  },
  {
    key: 'studentNumber',
    header: 'Number',
    width: '88px',
    isOffCard: true,
    cell: ({ studentNumber }) => studentNumber,
  },
]);

const years = Array.from({ length: 8 }, (_, place) => {
  const year = String(place + 1);
  return { value: year, label: year };
});

function filterOf({ course, year, number }: ListSearch) {
  const chosen = choiceOf(
    year,
    years.map(({ value }) => value),
  );
  return {
    ...(course && { course: { startsWith: course } }),
    ...(chosen.length > 0 && { year: { in: chosen.map(Number) } }),
    ...(number && { studentNumber: { startsWith: number } }),
  };
}

const ImportDialog = lazy(() => import('./import/import-dialog'));

export function StudentsPage() {
  const { data } = useLive(StudentCounts, {});
  const { search, set } = useListSearch();
  const create = useAct(CreateStudent);
  const update = useAct(UpdateStudents);
  const remove = useAct(DeleteStudents);
  const restore = useAct(RestoreStudents);
  return (
    <RecordsPage
      noun="student"
      icon={GraduationCap}
      intro="Students are added one by one, or imported from a file. Everybody on the staff sees them change as it happens."
      fields={fields}
      statuses={statuses}
      columns={columns}
      sorted={{
        CREATED_AT: ({ createdAt }) => createdAt,
        UPDATED_AT: ({ updatedAt }) => updatedAt,
        NAME: ({ name }) => name,
        EMAIL: ({ email }) => email.toLowerCase(),
        COURSE: ({ course }) => course.toLowerCase(),
        YEAR: ({ year }) => year,
      }}
      filters={[
        { key: 'course', label: 'Course', kind: 'text', verb: 'begins with' },
        { key: 'year', label: 'Year', kind: 'choice', options: years },
        { key: 'number', label: 'Student number', kind: 'text', verb: 'begins with' },
      ]}
      filterOf={filterOf}
      live={{
        page: StudentPage,
        connection: ({ students }) => students && { ...students, total: students.totalCount },
        changes: StudentChanges,
        change: ({ studentChanged: { student, type, actor, occurredAt } }) => ({
          row: student,
          type,
          actor,
          at: occurredAt,
        }),
      }}
      counts={data?.studentStatistics}
      create={async (input) => {
        const made = await create({ input: input as unknown as CreateStudentInput });
        return made.createStudent?.student.id;
      }}
      bulk={{
        setStatus: async (rows) => {
          const { updateStudents } = await update({ rows: rows as UpdateStudentInput[] });
          return answers(updateStudents, 'student');
        },
        remove: async (rows) => answers((await remove({ rows })).deleteStudents, 'student'),
        restore: async (rows) => answers((await restore({ rows })).restoreStudents, 'student'),
      }}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<FileUp size={16} />}
            onClick={() => set({ import: 'file' })}
          >
            Import
          </Button>
          {search.import && (
            <Suspense>
              <ImportDialog close={() => set({ import: undefined })} />
            </Suspense>
          )}
        </>
      }
    />
  );
}
