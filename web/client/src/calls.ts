// Calls of what the application handed in: listeners, sinks, `onPatch`. What one of them throws is the application's own affair. It is
// thrown again in a turn of its own, where the page or process hears of it as of any mistake, and nothing here is left half done.

/** Calls it, whatever it throws. */
export function call<Args extends unknown[]>(
  listener: (...args: Args) => void,
  ...args: Args
): void {
  try {
    listener(...args);
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/** Calls each of them. */
export function callAll<Args extends unknown[]>(
  listeners: Iterable<(...args: Args) => void>,
  ...args: Args
): void {
  for (const listener of listeners) call(listener, ...args);
}
