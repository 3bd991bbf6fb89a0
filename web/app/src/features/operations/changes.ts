// What an event changed: its data beside what the events before it in its stream said last. Events have the whole state of what
// they are about, or a part of it; what an event does not mention it did not change.

export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

type Data = Record<string, unknown>;

/** `earlier` is oldest first. Null when there is nothing to compare: nothing came before, or it is not shown. */
export function changesOf(data: unknown, earlier: readonly unknown[]): FieldChange[] | null {
  const after = flat(data);
  if (!after) return null;
  const before: Data = {};
  let isKnown = false;
  for (const each of earlier) {
    const fields = flat(each);
    if (!fields) continue;
    isKnown = true;
    Object.assign(before, fields);
  }
  if (!isKnown) return null;
  return Object.keys(after)
    .filter((field) => field in before && !isEqual(before[field], after[field]))
    .map((field) => ({ field, before: before[field], after: after[field] }));
}

/** An object in an object is named by its path; lists are values. */
function flat(value: unknown, path = ''): Data | undefined {
  if (!isObject(value)) return undefined;
  const fields: Data = {};
  for (const [name, child] of Object.entries(value)) {
    const at = path ? `${path}.${name}` : name;
    if (isObject(child)) Object.assign(fields, flat(child, at));
    else fields[at] = child;
  }
  return fields;
}

function isObject(value: unknown): value is Data {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
