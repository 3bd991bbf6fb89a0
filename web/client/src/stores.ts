// Where text is kept under keys. README.md argues which is right for what.
import type { Store } from './types.ts';

export function memoryStore(): Store {
  const entries = new Map<string, string>();
  return {
    get: (key) => entries.get(key) ?? null,
    set: (key, value) => void entries.set(key, value),
    remove: (key) => void entries.delete(key),
    keys: () => [...entries.keys()],
  };
}

/** `localStorage` or `sessionStorage`. */
export function webStore(storage: Storage): Store {
  return {
    get: (key) => storage.getItem(key),
    set: (key, value) => storage.setItem(key, value),
    remove: (key) => storage.removeItem(key),
    keys: () => Array.from({ length: storage.length }, (_, i) => storage.key(i) ?? ''),
  };
}

/** `localStorage` where it may be used: looking at it throws where a page may keep nothing. */
export function defaultQueue(): Store {
  try {
    if (globalThis.localStorage) return webStore(globalThis.localStorage);
  } catch {
    // Nothing may be kept here.
  }
  return memoryStore();
}
