// The page of a list of records: how many are in which state, filters, the rows, what is done with selected ones, and a new one.
import { Button } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type LucideIcon, Plus } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { stayed } from '../../lib/here';
import { useKey } from '../../lib/key';
import { type ListOptions, useLiveList } from '../../lib/live-list';
import { inOrder, type ListSearch, sortOf, useListSearch } from '../../lib/search';
import { ClearFilters } from '../clear-filters';
import { EmptyState } from '../empty-state';
import { type Filter, FilterBar } from '../filter-bar';
import { Page } from '../page';
import { type Column, RecordTable } from '../record-table';
import { useBulk } from './bulk';
import type { Fields, Input, Option } from './fields';
import { RecordBulk, useSelection } from './record-bulk';
import { recordFilter, recordFilters } from './record-filters';
import { NewRecord } from './record-form';
import type { Actions } from './record-tasks';
import { StateCounts } from './state-counts';

export interface ListedRecord {
  id: string;
  version: number;
  name: string;
  status: string;
  deletedAt?: string | null;
}

interface Props<R extends ListedRecord, PageData, ChangeData> {
  noun: 'customer' | 'student';
  icon: LucideIcon;
  /** What these records are, where there are none yet. */
  intro: string;
  fields: Fields;
  statuses: readonly Option[];
  columns: readonly Column<R>[];
  /** The fields that the list is sorted by, with what a row has there; without a choice by the first, newest first. */
  sorted: Record<string, (row: R) => string | number>;
  /** Filters of this list, and what they are for the gateway. */
  filters: readonly Filter[];
  filterOf: (search: ListSearch) => object;
  live: Pick<ListOptions<R, PageData, ChangeData>, 'page' | 'connection' | 'changes' | 'change'>;
  counts:
    | { total: number; byStatus: readonly { status: string; count: number }[] }
    | null
    | undefined;
  /** Returns the id. */
  create: (input: Input) => Promise<string | undefined>;
  /** What can be done with many. */
  bulk: Actions<R>;
  /** More that can be done on the page, and what it opens. */
  actions?: ReactNode;
}

export function RecordsPage<R extends ListedRecord, PageData, ChangeData>(
  props: Props<R, PageData, ChangeData>,
) {
  const { noun, icon, fields, statuses, sorted, counts } = props;
  const plural = `${noun}s` as const;
  const title = `${plural.charAt(0).toUpperCase()}${plural.slice(1)}`;
  const { search, set } = useListSearch();
  const { id: openId } = useParams({ strict: false });
  const navigate = useNavigate();
  const [isAdding, setAdding] = useState(false);
  useKey('n', () => setAdding(true));
  const sorts = Object.keys(sorted);
  const sort = sortOf(search, sorts, { field: sorts[0] as string, direction: 'DESC' });
  const { areDeleted, filter: shared } = recordFilter(search, statuses);
  const filter = { ...shared, ...props.filterOf(search) };
  const list = useLiveList({
    ...props.live,
    filter,
    sort,
    compare: inOrder<R>(sort.direction, sorted[sort.field] ?? (({ id }) => id)),
    has: ({ deletedAt }) => (deletedAt != null) === areDeleted,
  });
  const { selected, selection, select } = useSelection(list.rows);
  const bulk = useBulk<R>();
  const open = (id: string) =>
    navigate({ to: `/${plural}/$id`, params: { id }, search: true } as never);
  const add = (
    <Button leftSection={<Plus size={16} />} onClick={() => setAdding(true)}>
      Add {noun}
    </Button>
  );
  return (
    <Page
      title={title}
      actions={
        <>
          {props.actions}
          {add}
        </>
      }
    >
      <StateCounts
        param="status"
        options={statuses}
        total={counts?.total}
        counts={new Map(counts?.byStatus.map(({ status, count }) => [status, count]))}
      />
      <FilterBar
        noun={title}
        searchLabel="Search by name or address"
        filters={[...recordFilters(statuses), ...props.filters]}
      />
      <RecordTable
        label={title}
        list={list}
        columns={props.columns}
        open={({ id }) => open(id)}
        openId={openId}
        sort={sort}
        onSort={(field) => set({ sort: field })}
        selection={selection}
        onSelect={select}
        bulk={
          !bulk.isRunning && (
            <RecordBulk
              bulk={bulk}
              noun={noun}
              rows={selected}
              statuses={statuses}
              areDeleted={areDeleted}
              actions={props.bulk}
              select={select}
            />
          )
        }
        empty={
          Object.keys(filter).length === 0 ? (
            <EmptyState icon={icon} title={`No ${plural} yet`} action={add}>
              {props.intro}
            </EmptyState>
          ) : (
            <EmptyState icon={icon} title={`No ${noun} is like this`} action={<ClearFilters />} />
          )
        }
      />
      {bulk.shown}
      <NewRecord
        isOpen={isAdding}
        noun={noun}
        fields={fields}
        create={async (input) => {
          const isHere = stayed();
          const id = await props.create(input);
          if (id && isHere()) open(id);
        }}
        close={() => setAdding(false)}
      />
    </Page>
  );
}
