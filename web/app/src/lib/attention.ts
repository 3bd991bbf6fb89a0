// What waits for the reader: a count by page, which the rail shows, and their sum in the title of the window.
import { useEffect, useSyncExternalStore } from 'react';

const counts = new Map<string, number>();
const listeners = new Set<() => void>();
let title = 'Millrace';

function show(): void {
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  document.title = sum > 0 ? `(${sum}) ${title}` : title;
}

/** Says how many things wait on the page with this address. */
export function setAttention(to: string, count: number): void {
  if ((counts.get(to) ?? 0) === count) return;
  counts.set(to, count);
  show();
  for (const listener of listeners) listener();
}

export function useAttention(to: string): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => counts.get(to) ?? 0,
  );
}

/** Names the window after the page. */
export function usePageTitle(name: string): void {
  useEffect(() => {
    title = `${name} · Millrace`;
    show();
  }, [name]);
}
