// A key of a page, such as `n` for a new record. Not while somebody types, and not behind a dialog.
import { useEffect, useRef } from 'react';

export function useKey(key: string, action: (() => void) | undefined): void {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const isElsewhere =
        event.defaultPrevented ||
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        document.querySelector('[role=dialog], [role=menu]') !== null ||
        (event.target as HTMLElement).closest?.('input:not([type=checkbox]), textarea, select');
      if (event.key !== key || isElsewhere || !latest.current) return;
      event.preventDefault();
      latest.current();
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [key]);
}
