// A student beside the list.
import { Anchor } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { inAnyState, useLiveRecord, useRead } from '../../components/records/live-record';
import { RecordDetail } from '../../components/records/record-detail';
import { RecordHistory } from '../../components/records/record-history';
import { StateMenu } from '../../components/records/state-menu';
import type { UpdateStudentInput } from '../../generated/graphql';
import { useAct } from '../../lib/live';
import { sayFailed } from '../../lib/toasts';
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
      to="/students"
      fields={fields}
      {...live}
      save={(changes, expectedVersion) =>
        update({ input: { id, expectedVersion, ...changes } as UpdateStudentInput })
      }
      reload={async () => {
        const { students } = await read(StudentNow, { filter: inAnyState(id) });
        return students?.nodes[0] ?? null;
      }}
      remove={({ id }) => remove({ input: { id } })}
      restore={({ id }) => restore({ input: { id } })}
      state={({ status, deletedAt }) => (
        <StateMenu
          options={statuses}
          value={status}
          choose={
            deletedAt
              ? undefined
              : (value) =>
                  void update({
                    input: { id, status: value as UpdateStudentInput['status'] },
                  }).catch(sayFailed)
          }
        />
      )}
      facts={({ givenName, familyName, email, studentNumber, course, year }) => [
        ['Given names', givenName],
        ['Family name', familyName],
        ['Course', `${course}, year ${year}`],
        ['Number', studentNumber],
        [
          'Email address',
          <Anchor key="email" size="sm" href={`mailto:${email}`}>
            {email}
          </Anchor>,
        ],
      ]}
      history={({ history }) =>
        history && (
          <RecordHistory
            key={id}
            name="student"
            fields={told}
            verbs={verbs}
            newest={history}
            older={async (before) => {
              const { students } = await read(StudentHistory, { filter: inAnyState(id), before });
              return students?.nodes[0]?.history;
            }}
          />
        )
      }
    />
  );
}
