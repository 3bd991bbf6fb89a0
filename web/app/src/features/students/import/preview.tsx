// What a file has before anything is sent: which column is which, the first rows, and what is wrong with how many.
import { Button, Group, NativeSelect, Radio, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Notice } from '../../../components/notice';
import { type Fields, textOf } from '../../../components/records/fields';
import type { ExistingStudents } from '../../../generated/graphql';
import { columns } from '../documents';
import classes from './import.module.css';
import { fieldsOf, guess, type Line, lineOf } from './mapping';
import type { FileTable } from './table';

const shownRows = 8;

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
  const wrong = lines.filter(({ problems }) => Object.keys(problems).length > 0);
  const missing = fields.filter(
    ({ key, isRequired, initial }) => isRequired && !initial && mapping[key] === -1,
  );
  const count = lines.length - wrong.length;
  // What is wrong is shown first.
  const shown = [
    ...wrong,
    ...lines.filter((line) => !wrong.includes(line)).slice(0, shownRows),
  ].slice(0, shownRows);
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
      <Rows lines={shown} fields={fields} />
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

function Rows({ lines, fields }: { lines: readonly Line[]; fields: Fields }) {
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
          {lines.map(({ number, values, problems }) => (
            <tr key={number}>
              <td className="quiet">{number}</td>
              {fields.map((field) => (
                <td key={field.key} data-wrong={problems[field.key] !== undefined || undefined}>
                  {textOf(field, values[field.key] ?? '')}
                  {problems[field.key] && <small>{problems[field.key]}</small>}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
