// Unsent text, in this tab, under who typed it: the next person who signs in here does not get it, and the same person does. A
// session that ended by itself still has its owner, so what is typed until they sign in again is kept as theirs.
import { millrace } from './millrace';

/** What is here if the page may keep nothing, or no more. */
const memory = new Map<string, string>();
const listeners = new Set<() => void>();
let owner: string | undefined;

const keyOf = (name: string) => {
  owner = millrace.userId ?? owner;
  return `millrace:draft:${owner}:${name}`;
};

export function readText(name: string): string | undefined {
  const key = keyOf(name);
  try {
    return memory.get(key) ?? sessionStorage.getItem(key) ?? undefined;
  } catch {
    return memory.get(key);
  }
}

/** Keeps a text under this name; without one nothing is kept any more. */
export function keepText(name: string, text: string | undefined): void {
  const key = keyOf(name);
  memory.delete(key);
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // It stays as long as the page does.
    if (text) memory.set(key, text);
  }
  for (const listener of listeners) listener();
}

/** Calls the listener after each change; returns what ends that. */
export function onDrafts(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Values that were kept under this name; what cannot be read is not there. */
export function readDraft(name: string): Record<string, unknown> | undefined {
  try {
    const kept: unknown = JSON.parse(readText(name) ?? 'null');
    return typeof kept === 'object' && kept !== null ? { ...kept } : undefined;
  } catch {
    return undefined;
  }
}

export function keepDraft(name: string, values: object | undefined): void {
  keepText(name, values && JSON.stringify(values));
}
