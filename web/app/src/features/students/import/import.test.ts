// Files as people have them: other separators, names of columns, encodings, and rows that are wrong.
import { expect, test } from 'vitest';
import { columns } from '../documents';
import { guess, inputOf, lineOf, look } from './mapping';
import { readTable, refusedFile } from './table';
import { reasonOf } from './use-import';

const file = (text: string | Uint8Array<ArrayBuffer>) => new File([text], 'students.csv');

test('separators are found, quotes and empty lines understood', async () => {
  const table = await readTable(
    file('name;email;course\r\n"Noether; Emmy";e@x.org;Maths\r\n;;\r\n\r\n'),
  );
  expect(table).toEqual({
    name: 'students.csv',
    columns: ['name', 'email', 'course'],
    rows: [['Noether; Emmy', 'e@x.org', 'Maths']],
    isUtf8: true,
  });
});

test('a byte order mark is no part of a name, and what is not UTF-8 is Windows-1252', async () => {
  const marked = await readTable(file('\ufeffname,email\nÅsa,a@x.org'));
  expect([marked.columns, marked.rows[0]]).toEqual([
    ['name', 'email'],
    ['Åsa', 'a@x.org'],
  ]);
  const old = await readTable(
    file(Uint8Array.from([...'name\nG'].map((c) => c.charCodeAt(0)).concat(0xf6))),
  );
  expect([old.rows, old.isUtf8]).toEqual([[['Gö']], false]);
});

test('what is no table is refused in words', async () => {
  await expect(readTable(file(''))).rejects.toThrow('empty');
  await expect(readTable(file('name,email\n'))).rejects.toThrow('no rows');
  await expect(readTable(file('PK\0\0'))).rejects.toThrow('CSV');
});

test('a quotation mark that swallows rows is refused, with its row', async () => {
  const open = file('name,email\nAda,a@x.org\n"Emmy,e@x.org\nJan,j@x.org\n');
  await expect(readTable(open)).rejects.toThrow('Row 3 has a quotation mark that is not closed.');
  const closedBelow = file('name,email\n"Emmy,e@x.org\n"Jan",j@x.org\n');
  await expect(readTable(closedBelow)).rejects.toThrow('Row 2 has a quotation mark');
  const { rows } = await readTable(file('name,email\n"Emmy ""the\nGreat""",e@x.org\n'));
  expect(rows).toEqual([['Emmy "the\nGreat"', 'e@x.org']]);
});

test('columns are known by their usual names, in any order and writing', () => {
  const mapping = guess(['E-Mail', 'Full name', 'Remark', 'student_number', 'Course'], columns);
  expect(mapping).toEqual({
    name: 1,
    givenName: -1,
    familyName: -1,
    email: 0,
    studentNumber: 3,
    course: 4,
    year: -1,
    status: -1,
  });
});

test('a row becomes a student, with what it leaves out left out', () => {
  const mapping = guess(['name', 'email', 'course', 'year', 'status', 'number'], columns);
  const full = lineOf([' Emmy ', 'e@x.org', 'Maths', '3', 'on leave', 'N-1'], 0, mapping);
  expect([full.number, full.problems]).toEqual([2, {}]);
  expect(inputOf(full)).toEqual({
    name: 'Emmy',
    email: 'e@x.org',
    course: 'Maths',
    year: 3,
    status: 'ON_LEAVE',
    studentNumber: 'N-1',
  });
  const short = lineOf(['Emmy', 'e@x.org', 'Maths'], 1, mapping);
  expect([short.problems, inputOf(short)]).toEqual([
    {},
    { name: 'Emmy', email: 'e@x.org', course: 'Maths', year: 1 },
  ]);
  const wrong = lineOf(['', 'e@x.org', 'Maths', 'third', 'asleep'], 2, mapping);
  expect(Object.keys(wrong.problems)).toEqual(['name', 'year', 'status']);
  expect(reasonOf(Object.entries(wrong.problems))).toMatch(/^Name: /);
});

test('a name in two columns is sent in two', () => {
  const mapping = guess(['Surname', 'First name', 'email', 'course'], columns);
  const line = lineOf(['van Dyk', 'Jan', 'j@x.org', 'Law'], 0, mapping);
  expect([line.problems, inputOf(line)]).toEqual([
    {},
    { givenName: 'Jan', familyName: 'van Dyk', email: 'j@x.org', course: 'Law', year: 1 },
  ]);
});

test('what was refused can be mended and imported again', async () => {
  const table = await readTable(file('name,email\n"A, B",a\nC'));
  const blob = await refusedFile(table, [
    { cells: table.rows[0] as string[], reason: 'no address' },
    { cells: table.rows[1] as string[], reason: 'no address' },
  ]);
  const again = await readTable(new File([await blob.text()], 'refused.csv'));
  expect(again.columns).toEqual(['name', 'email', 'reason']);
  expect(again.rows).toEqual([
    ['A, B', 'a', 'no address'],
    ['C', '', 'no address'],
  ]);
});

test('what is wrong comes first, then what has the address of an earlier row', () => {
  const mapping = guess(['name', 'email', 'course'], columns);
  const rows = ['a@x.org', 'b@x.org', 'A@X.org', '', 'b@x.org', 'c@x.org'];
  const lines = rows.map((email, place) => lineOf(['Emmy', email, 'M'], place, mapping));
  const { wrong, repeated, first } = look(lines, 5);
  expect(wrong.map(({ number }) => number)).toEqual([5]);
  expect([...repeated].map(([{ number }, earlier]) => [number, earlier])).toEqual([
    [4, 2],
    [6, 3],
  ]);
  expect(first.map(({ number }) => number)).toEqual([5, 4, 6, 2, 3]);
});

test('a file of ten times the rows takes about ten times as long, also when half of them are wrong', () => {
  const mapping = guess(['name', 'email', 'course'], columns);
  const linesOf = (count: number) =>
    Array.from({ length: count }, (_, place) =>
      lineOf(['Emmy', place % 2 === 0 ? '' : `${place}@x.org`, 'M'], place, mapping),
    );
  const [few, many] = [linesOf(2_000), linesOf(20_000)];
  const quickest = (lines: ReturnType<typeof linesOf>) => {
    const times = Array.from({ length: 3 }, () => {
      const start = performance.now();
      look(lines, 8);
      return performance.now() - start;
    });
    return Math.min(...times);
  };
  // What is quadratic takes a hundred times as long.
  expect(quickest(many)).toBeLessThan(Math.max(40 * quickest(few), 100));
});
