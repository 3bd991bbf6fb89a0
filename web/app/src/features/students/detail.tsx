// A student beside the list.
import { getRouteApi } from '@tanstack/react-router';
import { inAnyState, useLiveRecord, useRead } from '../../components/records/live-record';
import { contact, RecordDetail } from '../../components/records/record-detail';
import type { UpdateStudentInput } from '../../generated/graphql';
import { useAct } from '../../lib/live';
import {
  DeletedStudent,
  DeleteStudent,
  fields,
  RestoreStudent,
  StudentById,
  StudentHistory,
  StudentNow,
  statuses,
  told,
  UpdateStudent,
  verbs,
} from './documents';

const route = getRouteApi('/students/$id');

export function StudentDetail() {
  const { id } = route.useParams();
  const read = useRead();
  const update = useAct(UpdateStudent);
  const remove = useAct(DeleteStudent);
  const restore = useAct(RestoreStudent);
  const live = useLiveRecord(
    id,
    StudentById,
    ({ student }) => student,
    DeletedStudent,
    ({ students }) => students?.nodes[0],
  );
  return (
    <RecordDetail
      noun="student"
      fields={fields}
      told={told}
      statuses={statuses}
      verbs={verbs}
      {...live}
      update={(input) => update({ input: input as UpdateStudentInput })}
      remove={async (input) => (await remove({ input })).deleteStudent?.student.version}
      restore={(input) => restore({ input })}
      reload={async () => {
        const { students } = await read(StudentNow, { filter: inAnyState(id) });
        return students?.nodes[0] ?? null;
      }}
      older={async (before) => {
        const { students } = await read(StudentHistory, { filter: inAnyState(id), before });
        return students?.nodes[0]?.history;
      }}
      facts={({ givenName, familyName, email, studentNumber, course, year }) => [
        ['Given names', givenName],
        ['Family name', familyName],
        ['Course', `${course}, year ${year}`],
        ['Number', studentNumber],
        ['Email address', contact('mailto', email)],
      ]}
    />
  );
}
