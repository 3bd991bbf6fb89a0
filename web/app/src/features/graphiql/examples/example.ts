// What an example is, for the panel and for the domains that have some.
import type { Seen } from '../seen';

export type Example = {
  title: string;
  sentence: string;
  live?: true;
  query: string;
  /** Filled in from what earlier responses showed, so that an example runs without copying ids. */
  variables?: (seen: Seen) => Record<string, unknown>;
  headers?: (seen: Seen) => Record<string, string>;
};

export type Group = { title: string; examples: Example[] };

/** E-mail addresses are unique: without it an example would run only once. */
export function randomTag(): string {
  return Math.random().toString(36).slice(2, 8);
}
