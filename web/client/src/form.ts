// Requests with files, by the GraphQL multipart request specification: files among the variables become parts of a form.
import type { Payload } from './types.ts';

/** The form for a request that has files among its variables; undefined for all others. */
export function formOf(payload: Payload): FormData | undefined {
  const files: [path: string, file: Blob][] = [];
  const variables = without(payload.variables, 'variables', files);
  if (files.length === 0) return undefined;
  const form = new FormData();
  form.set('operations', JSON.stringify({ ...payload, variables }));
  form.set(
    'map',
    JSON.stringify(Object.fromEntries(files.map(([path], index) => [index, [path]]))),
  );
  for (const [index, [, file]] of files.entries()) form.set(`${index}`, file);
  return form;
}

/** The value with null in place of each file. */
function without(value: unknown, path: string, files: [string, Blob][]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Blob) {
    files.push([path, value]);
    return null;
  }
  if (Array.isArray(value))
    return value.map((item, index) => without(item, `${path}.${index}`, files));
  // What has a form of its own in JSON, such as a date, has no files.
  if ('toJSON' in value) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([name, item]) => [name, without(item, `${path}.${name}`, files)]),
  );
}
