// The filters that all lists of records have, in the address and for the gateway.
import { choiceOf, type ListSearch } from '../../lib/search';
import type { Filter } from '../filter-bar';
import type { Option } from './fields';

export function recordFilters(statuses: readonly Option[]): Filter[] {
  return [
    { key: 'status', label: 'Status', kind: 'choice', options: statuses },
    { key: 'since', label: 'Date of addition', kind: 'date', verb: 'is from' },
    { key: 'before', label: 'Date of addition', kind: 'date', verb: 'is before' },
    {
      key: 'record',
      label: 'Record',
      kind: 'choice',
      options: [{ value: 'DELETED', label: 'Deleted' }],
    },
  ];
}

/** The start of a day here; nothing for what is no day. */
function startOf(day: string | undefined): string | undefined {
  const at = new Date(`${day}T00:00`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

export function recordFilter<Status extends string>(
  search: ListSearch,
  statuses: readonly { value: Status }[],
) {
  const areDeleted = search.record === 'DELETED';
  const status = choiceOf(
    search.status,
    statuses.map(({ value }) => value),
  );
  const [gte, lt] = [startOf(search.since), startOf(search.before)];
  const filter = {
    ...(search.search && { search: search.search }),
    ...(status.length > 0 && { status: { in: status } }),
    ...((gte || lt) && { createdAt: { ...(gte && { gte }), ...(lt && { lt }) } }),
    ...(areDeleted && { deletedAt: { isNull: false } }),
  };
  return { areDeleted, filter };
}
