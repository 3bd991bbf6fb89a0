// What a record is made of: how each field is typed, shown, and sent. Texts are what forms have; the gateway has null for empty.

import type { Values } from '../../lib/merge';
import type { Tone } from '../state';

export interface Option {
  value: string;
  label: string;
  tone: Tone;
}

export interface Field {
  /** The name in the API. */
  key: string;
  label: string;
  kind: 'text' | 'email' | 'tel' | 'number' | 'choice';
  isRequired?: boolean;
  options?: readonly Option[];
  /** What a new record begins with. */
  initial?: string;
}

export type Fields = readonly Field[];
export type Input = Record<string, string | number | null>;

export function valuesOf(fields: Fields, record: object | undefined): Values {
  const given = (record ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    fields.map(({ key, initial = '' }) => [key, record ? String(given[key] ?? '') : initial]),
  );
}

/** What to send: everything, or with a base only what is not as it was there. */
export function inputOf(fields: Fields, values: Values, base?: Values): Input {
  const changed = fields.filter(({ key }) => base === undefined || values[key] !== base[key]);
  return Object.fromEntries(
    changed.map(({ key, kind }) => {
      const text = values[key]?.trim() ?? '';
      return [key, text === '' ? null : kind === 'number' ? Number(text) : text];
    }),
  );
}

/** As people read it. */
export function textOf({ options }: Field, value: string): string {
  return options?.find((option) => option.value === value)?.label ?? value;
}

/** What is missing or cannot be sent; the rest is for the gateway to say. */
export function problemsOf(fields: Fields, values: Values): Record<string, string> {
  const found = fields.flatMap(({ key, label, kind, isRequired }) => {
    const text = values[key]?.trim() ?? '';
    if (isRequired && text === '') return [[key, `Enter the ${label.toLowerCase()}`]];
    if (kind === 'number' && text !== '' && !/^\d{1,9}$/.test(text))
      return [[key, 'Enter a whole number']];
    return [];
  });
  return Object.fromEntries(found);
}
