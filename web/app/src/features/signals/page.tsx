// Signals: a form to submit one, what each source sent of late, and all of them.
import { getRouteApi, Link, useNavigate, useParams } from '@tanstack/react-router';
import { SatelliteDish } from 'lucide-react';
import { ClearFilters } from '../../components/clear-filters';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { Page } from '../../components/page';
import { type Column, RecordTable } from '../../components/record-table';
import { RelativeTime } from '../../components/relative-time';
import type { SignalPartsFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLiveList } from '../../lib/live-list';
import { choiceOf, inOrder, sortOf, useListSearch } from '../../lib/search';
import { heard } from './clock';
import { Findings, numberText, StatusBadge } from './findings';
import { statusNames } from './progress';
import { SignalParts } from './signal-parts';
import { Sources } from './sources';
import { SubmitSignal } from './submit-signal';

void SignalParts;
const SignalPage = graphql(`
  query SignalPage($first: Int!, $after: String, $filter: SignalFilter, $sort: SignalSort) {
    signals(first: $first, after: $after, filter: $filter, sort: $sort) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes { ...SignalParts }
    }
  }
`);
const SignalChanges = graphql(`
  subscription SignalChanges($after: String) {
    signalProgress(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      signal { ...SignalParts }
    }
  }
`);

const statuses = ['PENDING', 'PROCESSING', 'COMPLETED', 'PARTIAL'] as const;
const route = getRouteApi('/signals');

const columns: Column<SignalPartsFragment>[] = [
  {
    key: 'source',
    header: 'Source',
    width: 'minmax(0, 1.4fr)',
    cell: ({ id, source, number }) => (
      <Link to="/signals/$id" params={{ id }} search>
        {source} <span className="quiet numbers">#{number}</span>
      </Link>
    ),
  },
  {
    key: 'value',
    header: 'Value',
    width: '88px',
    isNumber: true,
    cell: ({ value }) => numberText(value),
  },
  {
    key: 'status',
    header: 'Status',
    width: '108px',
    cell: (signal) => <StatusBadge signal={signal} />,
  },
  {
    key: 'findings',
    header: 'Findings',
    width: 'minmax(0, 3fr)',
    cell: (signal) => <Findings signal={signal} />,
  },
  {
    key: 'submittedAt',
    header: 'Submitted',
    sort: 'SUBMITTED_AT',
    width: '108px',
    isOffCard: true,
    cell: ({ submittedAt }) => <RelativeTime at={submittedAt} />,
  },
];

export function SignalsPage() {
  const { search, set } = useListSearch();
  const { id: openId } = useParams({ strict: false });
  const navigate = useNavigate();
  route.useMatch();
  const sort = sortOf(search, ['SUBMITTED_AT'], { field: 'SUBMITTED_AT', direction: 'DESC' });
  const status = choiceOf(search.status, statuses);
  const [from, since] = [Number(search.value), new Date(`${search.since}T00:00:00`)];
  const filter = {
    ...(search.source && { source: { startsWith: search.source } }),
    ...(status.length > 0 && { status: { in: status } }),
    ...(search.value && Number.isFinite(from) && { value: { gte: from } }),
    ...(search.since &&
      !Number.isNaN(since.getTime()) && { submittedAt: { gte: since.toISOString() } }),
  };
  const list = useLiveList({
    page: SignalPage,
    connection: ({ signals }) => signals && { ...signals, total: signals.totalCount },
    changes: SignalChanges,
    change: ({ signalProgress: { signal, type, actor, occurredAt } }) => {
      heard(occurredAt);
      return { row: signal, type, actor, at: occurredAt };
    },
    filter,
    sort,
    compare: inOrder<SignalPartsFragment>(sort.direction, ({ submittedAt }) => submittedAt),
  });
  const open = (id: string) => navigate({ to: '/signals/$id', params: { id }, search: true });
  return (
    <Page title="Signals" actions={<SubmitSignal submitted={open} />}>
      <Sources chosen={search.source} choose={(source) => set({ source })} />
      <FilterBar
        noun="Signals"
        filters={[
          {
            key: 'status',
            label: 'Status',
            kind: 'choice',
            options: statuses.map((value) => ({ value, label: statusNames[value] })),
          },
          { key: 'source', label: 'Source', kind: 'text', verb: 'begins with' },
          { key: 'value', label: 'Value', kind: 'text', verb: 'is at least' },
          { key: 'since', label: 'Date', kind: 'date', verb: 'is since' },
        ]}
      />
      <RecordTable
        label="Signals"
        list={list}
        columns={columns}
        open={({ id }) => open(id)}
        openId={openId}
        sort={sort}
        onSort={(field) => set({ sort: field })}
        empty={
          Object.keys(filter).length > 0 ? (
            <EmptyState
              icon={SatelliteDish}
              title="No signal is like this"
              action={<ClearFilters />}
            />
          ) : (
            <EmptyState icon={SatelliteDish} title="No signals yet">
              A signal is a value of a source, such as a sensor. Three processors look at it, and
              what they find is put together. Submit one to see it.
            </EmptyState>
          )
        }
      />
    </Page>
  );
}
