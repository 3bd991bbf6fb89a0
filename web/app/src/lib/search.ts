// Filters and orders of a list, kept in the address: `?status=ACTIVE,SUSPENDED&sort=-name`.
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

export type ListSearch = { [name: string]: string | undefined };

/** For `validateSearch` of a route: whatever is no text is left out. */
export function listSearch(search: Record<string, unknown>): ListSearch {
  return Object.fromEntries(
    Object.entries(search).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
    ),
  );
}

export interface Sort<Field extends string = string> {
  field: Field;
  direction: 'ASC' | 'DESC';
}

/** What the address says, and how to change it. Typing replaces the entry in the history, choosing adds one. */
export function useListSearch() {
  const search = useSearch({ strict: false }) as ListSearch;
  const navigate = useNavigate();
  const set = useCallback(
    (more: ListSearch, { replace = false } = {}) =>
      navigate({
        to: '.',
        replace,
        search: ((before: ListSearch) => listSearch({ ...before, ...more })) as never,
      }),
    [navigate],
  );
  return useMemo(() => ({ search, set }), [search, set]);
}

/** The order that the address names, if the list has it. */
export function sortOf<Field extends string>(
  { sort = '' }: ListSearch,
  fields: readonly Field[],
  otherwise: Sort<Field>,
): Sort<Field> {
  const isDescending = sort.startsWith('-');
  const field = fields.find((name) => name === sort.slice(isDescending ? 1 : 0));
  return field ? { field, direction: isDescending ? 'DESC' : 'ASC' } : otherwise;
}

/** The alternatives of a choice that the address names. */
export function choiceOf<Value extends string>(
  text: string | undefined,
  values: readonly Value[],
): Value[] {
  const named = new Set(text?.split(','));
  return values.filter((value) => named.has(value));
}

/** Orders by code points, as the gateway does. */
export function byText(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let place = 0; place < Math.min(left.length, right.length); place += 1) {
    const difference = (left[place]?.codePointAt(0) ?? 0) - (right[place]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** An order by a field and then by id, in one direction. */
export function inOrder<R extends { id: string }>(
  direction: Sort['direction'],
  value: (row: R) => string | number,
): (a: R, b: R) => number {
  const sign = direction === 'ASC' ? 1 : -1;
  return (a, b) => {
    const [left, right] = [value(a), value(b)];
    const first =
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : byText(String(left), String(right));
    return sign * (first || byText(a.id, b.id));
  };
}
