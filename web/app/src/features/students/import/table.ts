// A file as a table: CSV with commas, semicolons or tabs, whose first line names the columns.
import type Papa from 'papaparse';

export interface FileTable {
  name: string;
  columns: string[];
  rows: string[][];
  /** Texts of spreadsheets on older systems are not UTF-8; what cannot be is read as Windows-1252. */
  isUtf8: boolean;
}

export const mostBytes = 20_000_000;
export const mostRows = 100_000;

/** Throws an error whose message is for people. */
export async function readTable(file: File): Promise<FileTable> {
  const useCommand = 'Import it with “millrace import students”.';
  if (file.size > mostBytes) throw new Error(`The file is larger than 20 MB. ${useCommand}`);
  const [bytes, { default: papa }] = await Promise.all([
    file.arrayBuffer(),
    import('papaparse') as Promise<{ default: typeof Papa }>,
  ]);
  const { text, isUtf8 } = decode(bytes);
  if (text.includes('\0')) throw new Error('This is no CSV file. Export the table as CSV first.');
  const { data, errors } = papa.parse<string[]>(text, {
    skipEmptyLines: 'greedy',
    delimitersToGuess: [',', ';', '\t'],
  });
  // The rest of the file, or the rows up to the next quotation mark, would be one field.
  const broken = errors.find(({ type }) => type === 'Quotes');
  if (broken) {
    const what =
      broken.code === 'MissingQuotes'
        ? 'a quotation mark that is not closed'
        : 'a quotation mark that is not closed, or one within a text that is not doubled';
    throw new Error(`Row ${(broken.row ?? 0) + 1} has ${what}.`);
  }
  const [head, ...rows] = data;
  if (!head) throw new Error('The file is empty.');
  if (rows.length === 0) throw new Error('The file has a line of names, and no rows below it.');
  if (rows.length > mostRows) throw new Error(`The file has more than 100,000 rows. ${useCommand}`);
  return { name: file.name, columns: head.map((name) => name.trim()), rows, isUtf8 };
}

function decode(bytes: ArrayBuffer): { text: string; isUtf8: boolean } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), isUtf8: true };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), isUtf8: false };
  }
}

/** A file with the rows that were refused and the reasons, to be mended and imported again. */
export async function refusedFile(
  { columns }: FileTable,
  refused: readonly { cells: string[]; reason: string }[],
): Promise<Blob> {
  const { default: papa } = (await import('papaparse')) as { default: typeof Papa };
  const rows = refused.map(({ cells, reason }) => [
    ...columns.map((_, at) => cells[at] ?? ''),
    reason,
  ]);
  return new Blob([papa.unparse([[...columns, 'reason'], ...rows])], { type: 'text/csv' });
}
