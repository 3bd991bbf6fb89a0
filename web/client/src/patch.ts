// Applies a JSON Patch (RFC 6902). What it is applied to is not changed: what a patch does not touch is shared between the old
// and the new value, so that a view which compares by identity draws only what changed. A patch that does not fit throws, and
// leaves nothing half done.

export type Operation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: unknown }
  | { op: 'remove'; path: string }
  | { op: 'move' | 'copy'; from: string; path: string };

export type Patch = readonly Operation[];

type Container = unknown[] | Record<string, unknown>;
/** Returns what is in place of the container. */
type Change = (container: Container, key: string) => Container;

export function applyPatch<T>(document: T, patch: Patch): T {
  return patch.reduce<unknown>(applyOperation, document) as T;
}

function applyOperation(document: unknown, operation: Operation): unknown {
  const path = keysOf(operation.path);
  switch (operation.op) {
    case 'add':
      return add(document, path, operation.value);
    case 'replace':
      valueAt(document, path);
      return put(document, path, operation.value);
    case 'remove':
      return remove(document, path);
    case 'copy':
      return add(document, path, valueAt(document, keysOf(operation.from)));
    case 'move': {
      const from = keysOf(operation.from);
      if (path.length > from.length && from.every((key, index) => key === path[index]))
        throw new Error(`${operation.from} cannot be moved into itself`);
      return add(remove(document, from), path, valueAt(document, from));
    }
    case 'test':
      if (!isEqual(valueAt(document, path), operation.value))
        throw new Error(`The value at ${operation.path} is another one`);
      return document;
    default:
      throw new Error(`${(operation as { op: unknown }).op} is no operation of JSON Patch`);
  }
}

/** Reads a JSON Pointer (RFC 6901). */
function keysOf(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new Error(`${pointer} is no JSON Pointer`);
  return pointer
    .slice(1)
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function add(document: unknown, path: string[], value: unknown): unknown {
  return change(document, path, value, (container, key) => {
    if (!Array.isArray(container)) return { ...container, [key]: value };
    const index = key === '-' ? container.length : indexOf(key, container.length);
    return container.toSpliced(index, 0, value);
  });
}

function put(document: unknown, path: string[], value: unknown): unknown {
  return change(document, path, value, (container, key) =>
    Array.isArray(container)
      ? container.with(indexOf(key, container.length - 1), value)
      : { ...container, [key]: value },
  );
}

function remove(document: unknown, path: string[]): unknown {
  valueAt(document, path);
  return change(document, path, undefined, (container, key) => {
    if (Array.isArray(container)) return container.toSpliced(indexOf(key, container.length - 1), 1);
    const { [key]: _, ...rest } = container;
    return rest;
  });
}

/** Copies the containers on the path, and has the last one changed. The whole document is replaced by `whole`. */
function change(document: unknown, path: string[], whole: unknown, last: Change): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return whole;
  const container = containerOf(document, key);
  if (rest.length === 0) return last(container, key);
  const changed = change(childOf(container, key), rest, whole, last);
  return Array.isArray(container)
    ? container.with(Number(key), changed)
    : { ...container, [key]: changed };
}

function valueAt(document: unknown, path: string[]): unknown {
  return path.reduce<unknown>((value, key) => childOf(containerOf(value, key), key), document);
}

function containerOf(value: unknown, key: string): Container {
  if (typeof value !== 'object' || value === null)
    throw new Error(`There is nothing that has ${key}`);
  // Set on an object it would change what the object inherits from.
  if (key === '__proto__') throw new Error('__proto__ is no key of an answer');
  return value as Container;
}

function childOf(container: Container, key: string): unknown {
  if (Array.isArray(container)) return container[indexOf(key, container.length - 1)];
  if (!Object.hasOwn(container, key)) throw new Error(`There is no ${key}`);
  return container[key];
}

function indexOf(key: string, greatest: number): number {
  const index = /^(0|[1-9]\d*)$/.test(key) ? Number(key) : Number.NaN;
  if (!(index <= greatest)) throw new Error(`${key} is no index here`);
  return index;
}

function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [mine, others] = [Object.entries(one), other as Record<string, unknown>];
  if (mine.length !== Object.keys(others).length) return false;
  return mine.every(([key, value]) => Object.hasOwn(others, key) && isEqual(value, others[key]));
}
