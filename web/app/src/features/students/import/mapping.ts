// Which column of a file is which field of a student, and a student for each row.
import { type Fields, problemsOf } from '../../../components/records/fields';
import type { CreateStudentInput } from '../../../generated/graphql';
import { fields, statuses, told } from '../documents';

/** The column of each field; -1 for none. */
export type Mapping = Record<string, number>;

export interface Line {
  /** As the file counts them: the line of names is the first. */
  number: number;
  cells: string[];
  values: Record<string, string>;
  /** What makes it useless, by field. */
  problems: Record<string, string>;
}

const names: Record<string, readonly string[]> = {
  name: ['name', 'fullname', 'student', 'studentname'],
  givenName: ['givenname', 'firstname', 'forename', 'first'],
  familyName: ['familyname', 'lastname', 'surname', 'last'],
  email: ['email', 'emailaddress', 'mail', 'address'],
  studentNumber: ['studentnumber', 'number', 'studentid', 'matriculationnumber', 'no'],
  course: ['course', 'programme', 'program', 'subject', 'studies'],
  year: ['year', 'yearofstudy', 'studyyear'],
  status: ['status', 'state'],
};
const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

export function guess(columns: readonly string[], fields: Fields): Mapping {
  const found = columns.map(plain);
  return Object.fromEntries(
    fields.map(({ key, label }) => {
      const known = [key, label, ...(names[key] ?? [])].map(plain);
      return [key, found.findIndex((column) => known.includes(column))];
    }),
  );
}

/** What a student of this file is made of: parts of the name count before a whole one. */
export function fieldsOf({ givenName = -1, familyName = -1 }: Mapping): Fields {
  return givenName >= 0 || familyName >= 0 ? fields : told;
}

export function lineOf(cells: string[], place: number, mapping: Mapping): Line {
  const fields = fieldsOf(mapping);
  const values = Object.fromEntries(
    fields.map(({ key, initial = '' }) => {
      const text = cells[mapping[key] ?? -1]?.trim() ?? '';
      return [key, key === 'status' ? statusOf(text) : text || initial];
    }),
  );
  const problems = problemsOf(fields, values);
  if (values.status && !statuses.some(({ value }) => value === values.status))
    problems.status = `“${values.status}” is none of ${statuses.map(({ label }) => label).join(', ')}`;
  return { number: place + 2, cells, values, problems };
}

const statusByName = new Map(
  statuses.flatMap(({ value, label }) => [
    [plain(value), value],
    [plain(label), value],
  ]),
);

/** A status by its name or its label, however it is written; anything else as it is. */
function statusOf(text: string): string {
  return text && (statusByName.get(plain(text)) ?? text);
}

export interface Found {
  /** Rows that cannot be sent. */
  wrong: readonly Line[];
  /** Rows with the email address of an earlier one, each with the number of that. */
  repeated: ReadonlyMap<Line, number>;
  /** What is to be looked at: first what is wrong, then what is repeated, then the rest, in the order of the file. */
  first: readonly Line[];
}

/** Goes through the lines once; `most` are to be looked at. */
export function look(lines: readonly Line[], most: number): Found {
  const wrong: Line[] = [];
  const repeated = new Map<Line, number>();
  const fine: Line[] = [];
  const seen = new Map<string, number>();
  for (const line of lines) {
    if (Object.keys(line.problems).length > 0) {
      wrong.push(line);
      continue;
    }
    // As the gateway compares them.
    const email = line.values.email?.toLowerCase() ?? '';
    const earlier = seen.get(email);
    if (earlier === undefined) seen.set(email, line.number);
    else repeated.set(line, earlier);
    if (earlier === undefined && fine.length < most) fine.push(line);
  }
  const first = [...wrong.slice(0, most), ...[...repeated.keys()].slice(0, most), ...fine];
  return { wrong, repeated, first: first.slice(0, most) };
}

export function inputOf({ values }: Line): CreateStudentInput {
  const {
    name,
    givenName,
    familyName,
    email = '',
    course = '',
    studentNumber,
    year,
    status,
  } = values;
  return {
    ...(name && { name }),
    ...(givenName && { givenName }),
    ...(familyName && { familyName }),
    email,
    course,
    ...(studentNumber && { studentNumber }),
    ...(year && { year: Number(year) }),
    ...(status && { status: status as NonNullable<CreateStudentInput['status']> }),
  };
}
