// Two edits of one object: what was read, what one typed, and what somebody else saved meanwhile. Fields that only one of them
// touched are no conflict.
export interface Merge<Values> {
  /** What to show: one's own where one has typed, and theirs elsewhere. */
  values: Values;
  /** The fields that both changed, to different values. */
  conflicts: (keyof Values)[];
}

export function merge<Values extends object>(
  base: Values,
  mine: Values,
  theirs: Values,
): Merge<Values> {
  const values = { ...theirs };
  const conflicts: (keyof Values)[] = [];
  for (const field of Object.keys(base) as (keyof Values)[]) {
    if (mine[field] === base[field]) continue;
    values[field] = mine[field];
    if (theirs[field] !== base[field] && theirs[field] !== mine[field]) conflicts.push(field);
  }
  return { values, conflicts };
}
