// Puts two changes of one text together.
import { diff3Merge } from 'node-diff3';

export interface Merge {
  text: string;
  /** Both changed the same place; both are in the text, theirs first. */
  isConflict: boolean;
}

/** By words: `base` is what both began with. */
export function mergeTexts(base: string, mine: string, theirs: string): Merge {
  const [a, o, b] = [theirs, base, mine].map((text) => text.split(/(\s+)/)) as [
    string[],
    string[],
    string[],
  ];
  let isConflict = false;
  const parts = diff3Merge(a, o, b, { excludeFalseConflicts: true }).flatMap(({ ok, conflict }) => {
    if (ok) return ok;
    if (!conflict) return [];
    isConflict = true;
    const [left, right] = [conflict.a, conflict.b];
    return left.length > 0 && right.length > 0 ? [...left, ' ', ...right] : [...left, ...right];
  });
  return { text: parts.join(''), isConflict };
}
