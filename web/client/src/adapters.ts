// What the adapters share: the same names in the context of Apollo and urql and in the metadata of Relay.
import type { RunOptions } from './client.ts';
import { MillraceError } from './errors.ts';
import type { Variables } from './types.ts';

/** The options of an operation, from what its library carries along with it. */
export function optionsOf(context: Record<string, unknown> = {}): RunOptions {
  const { queue, idempotencyKey, headers, onGap, onPatch } = context;
  return {
    ...(queue === true && { queue }),
    ...(typeof idempotencyKey === 'string' && { idempotencyKey }),
    // Names in small letters, whatever form they came in.
    ...(headers ? { headers: Object.fromEntries(new Headers(headers as HeadersInit)) } : {}),
    ...(typeof onGap === 'function' && { onGap: onGap as NonNullable<RunOptions['onGap']> }),
    ...(typeof onPatch === 'function' && {
      onPatch: onPatch as NonNullable<RunOptions['onPatch']>,
    }),
  };
}

/** The variables with files in their places, which are named by paths such as `input.picture`. */
export function withFiles(variables: Variables, files: Record<string, unknown>): Variables {
  const all = structuredClone(variables);
  for (const [path, file] of Object.entries(files)) {
    const keys = path.replace(/^variables\./, '').split('.');
    const last = keys.pop() as string;
    const at = keys.reduce<unknown>((value, key) => (value as Variables | undefined)?.[key], all);
    if (typeof at !== 'object' || at === null || (at as Variables)[last] != null)
      throw new MillraceError('BAD_REQUEST', `The variables have no place for the file ${path}`);
    (at as Variables)[last] = file;
  }
  return all;
}
