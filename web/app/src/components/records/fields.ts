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
  kind: 'text' | 'email' | 'tel' | 'number' | 'choice' | 'lines';
  /** The embedded object that has it. It is sent as a whole when one of its fields has changed. */
  within?: string;
  isRequired?: boolean;
  options?: readonly Option[];
  /** What a new record begins with. */
  initial?: string;
}

export type Fields = readonly Field[];
type Sent = string | number | string[] | null;
export type Input = Record<string, Sent | Record<string, Sent>>;

export function valuesOf(fields: Fields, record: object | undefined): Values {
  const given = (record ?? {}) as Record<string, unknown>;
  const value = ({ key, within }: Field) => {
    const object = within === undefined ? undefined : given[within];
    const found = given[key] ?? (object as Record<string, unknown> | null | undefined)?.[key] ?? '';
    return Array.isArray(found) ? found.join('\n') : String(found);
  };
  return Object.fromEntries(
    fields.map((field) => [field.key, record ? value(field) : (field.initial ?? '')]),
  );
}

/** What to send: everything, or with a base only what is not as it was there. */
export function inputOf(fields: Fields, values: Values, base?: Values): Input {
  const changed = fields.filter(({ key }) => base === undefined || values[key] !== base[key]);
  const sent = ({ key, kind }: Field): [string, Sent] => {
    const text = values[key]?.trim() ?? '';
    if (text === '') return [key, null];
    if (kind === 'lines') return [key, linesOf(text)];
    return [key, kind === 'number' ? Number(text) : text];
  };
  const whole = (within: string): Input[string] => {
    const all = fields.filter((field) => field.within === within).map(sent);
    if (all.every(([, value]) => value === null)) return null;
    return Object.fromEntries(all);
  };
  return Object.fromEntries(
    changed.map((field) =>
      field.within === undefined ? sent(field) : [field.within, whole(field.within)],
    ),
  );
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** As people read it. */
export function textOf({ options }: Field, value: string): string {
  return options?.find((option) => option.value === value)?.label ?? value;
}

/** What is missing or cannot be sent; the rest is for the gateway to say. */
export function problemsOf(fields: Fields, values: Values): Record<string, string> {
  const isGiven = ({ key }: Field) => (values[key]?.trim() ?? '') !== '';
  const found = fields.flatMap(({ key, label, kind, isRequired, within }) => {
    const text = values[key]?.trim() ?? '';
    // What an embedded object needs is only missing when there is one.
    const isAsked =
      within === undefined || fields.some((field) => field.within === within && isGiven(field));
    if (isRequired && isAsked && text === '') return [[key, `Enter the ${label.toLowerCase()}`]];
    if (kind === 'number' && text !== '' && !/^\d{1,9}$/.test(text))
      return [[key, 'Enter a whole number']];
    return [];
  });
  return Object.fromEntries(found);
}
