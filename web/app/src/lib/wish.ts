// What somebody wants something to be: liked or not, paused or not. It shows at once, and one change of a thing is on its way at a
// time: two that were sent one after the other may arrive in the other order. Of what is wished meanwhile the last counts.
import { useCallback, useEffect, useSyncExternalStore } from 'react';
import { sayFailed } from './toasts';

interface Wish {
  value: unknown;
  isSending: boolean;
}

/** What is read may be moments behind what was answered. */
const settleMs = 2_000;
const wishes = new Map<string, Wish>();
const listeners = new Set<() => void>();

function set(key: string, wish: Wish | undefined): void {
  if (wish) wishes.set(key, wish);
  else wishes.delete(key);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function fulfil<V>(key: string, value: V, act: (value: V) => Promise<unknown>) {
  const isSending = wishes.get(key)?.isSending;
  set(key, { value, isSending: true });
  if (isSending) return;
  for (let sent = value; ; ) {
    const isDone = await act(sent).then(
      () => true,
      (cause) => {
        sayFailed(cause);
        return false;
      },
    );
    const last = wishes.get(key)?.value as V;
    if (last === sent) {
      const settled = isDone ? { value: last, isSending: false } : undefined;
      set(key, settled);
      if (settled)
        setTimeout(() => {
          if (wishes.get(key) === settled) set(key, undefined);
        }, settleMs);
      return;
    }
    sent = last;
  }
}

/** What the thing with this key is, or is wished to be, and what wishes it to be something. Says when that fails. */
export function useWish<V>(
  key: string,
  actual: V,
  act: (value: V) => Promise<unknown>,
): readonly [V, (value: V) => void] {
  const wish = useSyncExternalStore(subscribe, () => wishes.get(key));
  const isFulfilled = wish !== undefined && !wish.isSending && wish.value === actual;
  useEffect(() => {
    if (isFulfilled) set(key, undefined);
  }, [isFulfilled, key]);
  const choose = useCallback((value: V) => void fulfil(key, value, act), [key, act]);
  return [wish ? (wish.value as V) : actual, choose];
}
