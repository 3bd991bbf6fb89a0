// What a file has before anything is sent: which column is which, the first rows, and what is wrong with how many.
import { Button, Group, NativeSelect, Radio, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Notice } from '../../../components/notice';
import { type Field, type Fields, textOf } from '../../../components/records/fields';
import type { ExistingStudents } from '../../../generated/graphql';
import { columns } from '../documents';
import classes from './import.module.css';
import { fieldsOf, guess, type Line, lineOf, look } from './mapping';
import type { FileTable } from './table';

const shownRows = 8;
/** Rows are taken in their order, so an earlier one is there already. */
const whatBecomes: Record<ExistingStudents, string> = {
  SKIP: 'the first is taken, and the others are left out.',
  UPDATE: 'the last is what stays.',
  REFUSE: 'the first is taken, and the others are refused.',
};

export function Preview({
  table,
  start,
  back,
}: {
  table: FileTable;
  start: (lines: readonly Line[], existing: ExistingStudents) => void;
  back: () => void;
}) {
  const [mapping, setMapping] = useState(() => guess(table.columns, columns));
  const [existing, setExisting] = useState<ExistingStudents>('SKIP');
  const fields = fieldsOf(mapping);
  const lines = useMemo(
    () => table.rows.map((cells, place) => lineOf(cells, place, mapping)),
    [table, mapping],
  );
  const { wrong, repeated, first } = useMemo(() => look(lines, shownRows), [lines]);
  const missing = fields.filter(
    ({ key, isRequired, initial }) => isRequired && !initial && mapping[key] === -1,
  );
  const count = lines.length - wrong.length;
  return (
    <Stack>
      <Text size="sm">
        <strong>{table.name}</strong> has {table.rows.length.toLocaleString('en')}{' '}
        {table.rows.length === 1 ? 'row' : 'rows'}.
      </Text>
      {!table.isUtf8 && (
        <Notice tone="warn" title="The file is not UTF-8">
          It was read as Windows-1252. See whether the names below are right.
        </Notice>
      )}
      <fieldset className={classes.group}>
        <legend>Columns</legend>
        <SimpleGrid cols={{ base: 2, xs: 3 }} type="container" spacing="xs">
          {columns.map(({ key, label, isRequired, initial }) => (
            <NativeSelect
              key={key}
              size="xs"
              label={label}
              withAsterisk={isRequired === true && !initial && fields.some((it) => it.key === key)}
              value={String(mapping[key] ?? -1)}
              onChange={({ currentTarget }) =>
                setMapping({ ...mapping, [key]: Number(currentTarget.value) })
              }
              data={[
                { value: '-1', label: 'not in the file' },
                ...table.columns.map((name, place) => ({
                  value: String(place),
                  label: name || `Column ${place + 1}`,
                })),
              ]}
            />
          ))}
        </SimpleGrid>
      </fieldset>
      {missing.length > 0 ? (
        <Notice tone="warn" title="Which column is which?">
          Choose the columns of: {missing.map(({ label }) => label.toLowerCase()).join(', ')}.
        </Notice>
      ) : (
        wrong.length > 0 && (
          <Notice tone="warn">
            {wrong.length.toLocaleString('en')} {wrong.length === 1 ? 'row is' : 'rows are'}{' '}
            incomplete and will be left out. You can download them afterwards, with the reasons.
          </Notice>
        )
      )}
      {missing.length === 0 && repeated.size > 0 && (
        <Notice tone="warn">
          {repeated.size.toLocaleString('en')}{' '}
          {repeated.size === 1 ? 'row has the email address' : 'rows have the email addresses'} of
          earlier ones: {whatBecomes[existing]}
        </Notice>
      )}
      <Rows lines={first} fields={fields} repeated={repeated} />
      <Radio.Group
        label="Students who are there already, by their email address"
        value={existing}
        onChange={(value) => setExisting(value as ExistingStudents)}
      >
        <Group mt={8} gap="lg">
          <Radio value="SKIP" label="Leave as they are" />
          <Radio value="UPDATE" label="Make as the file says" />
          <Radio value="REFUSE" label="Report as refused" />
        </Group>
      </Radio.Group>
      <Group justify="flex-end">
        <Button variant="default" onClick={back}>
          Choose another file
        </Button>
        <Button disabled={count === 0 || missing.length > 0} onClick={() => start(lines, existing)}>
          Import {count.toLocaleString('en')} {count === 1 ? 'student' : 'students'}
        </Button>
      </Group>
    </Stack>
  );
}

function Rows({
  lines,
  fields,
  repeated,
}: {
  lines: readonly Line[];
  fields: Fields;
  repeated: ReadonlyMap<Line, number>;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
    <section className={classes.preview} aria-label="The first rows" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Row</th>
            {fields.map(({ key, label }) => (
              <th key={key}>{label}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.number}>
              <td className="quiet">{line.number}</td>
              {fields.map((field) => (
                <Cell key={field.key} field={field} line={line} earlier={repeated.get(line)} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** `earlier` is the row whose email address this one has, too. */
function Cell({
  field,
  line: { values, problems },
  earlier,
}: {
  field: Field;
  line: Line;
  earlier: number | undefined;
}) {
  const isRepeated = field.key === 'email' && earlier !== undefined;
  const problem = problems[field.key] ?? (isRepeated ? `as in row ${earlier}` : undefined);
  return (
    <td data-wrong={problem !== undefined || undefined}>
      {textOf(field, values[field.key] ?? '')}
      {problem && <small>{problem}</small>}
    </td>
  );
}
