// Two people changed the same thing. Field by field: what it was when one began, what one made of it, and what it is now. What only
// one of them changed is no conflict.
export type Values = Record<string, string>;
export type Side = 'mine' | 'theirs';

export interface Difference {
  key: string;
  base: string;
  mine: string;
  theirs: string;
  /** Who changed it, when it was only one of them; otherwise somebody has to choose. */
  side: Side | undefined;
}

/** The fields in which mine is not what is there now. */
export function differences(base: Values, mine: Values, theirs: Values): Difference[] {
  return Object.keys(mine).flatMap((key) => {
    const [was, own, now] = [base, mine, theirs].map((side) => side[key] ?? '') as [
      string,
      string,
      string,
    ];
    if (own === now) return [];
    const side = own === was ? 'theirs' : now === was ? 'mine' : undefined;
    return [{ key, base: was, mine: own, theirs: now, side }];
  });
}

/** What is there now, with mine where that was chosen. */
export function merged(theirs: Values, chosen: readonly Difference[]): Values {
  const own = chosen.filter(({ side }) => side === 'mine').map(({ key, mine }) => [key, mine]);
  return { ...theirs, ...Object.fromEntries(own) };
}
