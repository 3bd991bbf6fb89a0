// How many there are in each state, live; a click shows only those.
import { choiceOf, useListSearch } from '../../lib/search';
import { State } from '../state';
import type { Option } from './fields';
import classes from './state-counts.module.css';

export function StateCounts({
  param,
  options,
  total,
  counts,
}: {
  /** The parameter of the address that the filter is in. */
  param: string;
  options: readonly Option[];
  total: number | undefined;
  counts: ReadonlyMap<string, number>;
}) {
  const { search, set } = useListSearch();
  const chosen = choiceOf(
    search[param],
    options.map(({ value }) => value),
  );
  const number = (count: number | undefined) => (
    <span className={classes.count}>{count?.toLocaleString('en') ?? '…'}</span>
  );
  return (
    <fieldset className={classes.counts} aria-label="By state">
      <button
        type="button"
        aria-pressed={chosen.length === 0}
        onClick={() => set({ [param]: undefined })}
      >
        All {number(total)}
      </button>
      {options.map(({ value, label, tone }) => {
        const isOnly = chosen.length === 1 && chosen[0] === value;
        return (
          <button
            key={value}
            type="button"
            aria-pressed={isOnly}
            onClick={() => set({ [param]: isOnly ? undefined : value })}
          >
            <State tone={tone}>{label}</State>{' '}
            {number(total === undefined ? undefined : (counts.get(value) ?? 0))}
          </button>
        );
      })}
    </fieldset>
  );
}
