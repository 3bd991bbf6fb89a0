// What workers gave up: why, and replaying or discarding it, one by one, all that failed alike, or those that are selected.
import { Button, Group } from '@mantine/core';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { CircleCheck } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { type Column, RecordTable } from '../../components/record-table';
import { RelativeTime } from '../../components/relative-time';
import type { LetterRowFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import type { LiveListState } from '../../lib/live-list';
import { useListSearch } from '../../lib/search';
import './documents';
import { OperationsFrame } from './frame';
import { useLetterActions } from './letter-actions';
import { useMonitor } from './monitor';

const Letters = graphql(`
  query Letters($first: Int!, $consumer: String, $fingerprint: String, $streamId: ID) {
    deadLetters(first: $first, consumer: $consumer, fingerprint: $fingerprint, streamId: $streamId) {
      totalCount
      pageInfo { hasNextPage }
      nodes { ...LetterRow }
    }
  }
`);

const columns: Column<LetterRowFragment>[] = [
  {
    key: 'error',
    header: 'Error',
    width: 'minmax(0, 2fr)',
    cell: ({ id, errors, isParked }) => (
      <Link to="/operations/letters/$id" params={{ id }} search>
        {errors[0] ?? (isParked ? 'Waits behind an earlier one' : 'No error was kept')}
      </Link>
    ),
  },
  { key: 'consumer', header: 'Worker', width: 'minmax(0, 1fr)', cell: ({ consumer }) => consumer },
  { key: 'type', header: 'Event', width: 'minmax(0, 1fr)', cell: ({ type }) => type },
  {
    key: 'attempts',
    header: 'Attempts',
    width: '72px',
    isNumber: true,
    cell: ({ attempts, isParked }) => (isParked ? 'waits' : attempts),
  },
  {
    key: 'last',
    header: 'Last tried',
    width: '100px',
    isNumber: true,
    cell: ({ lastTriedAt }) => <RelativeTime at={lastTriedAt} />,
  },
];

const pageSize = 50;
const nobody: LiveListState<LetterRowFragment & { version: number }>['changed'] = new Map();

export function LettersPage() {
  const { search } = useListSearch();
  const navigate = useNavigate();
  const { id: openId } = useParams({ strict: false }) as { id?: string };
  const [first, setFirst] = useState(pageSize);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const consumers = useMonitor((state) => state.status);
  const { data, failure, isLoading, retry } = useLive(Letters, {
    first,
    ...(search.consumer && { consumer: search.consumer.split(',')[0] }),
    ...(search.fingerprint && { fingerprint: search.fingerprint }),
    ...(search.stream && { streamId: search.stream }),
  });
  // What is given up is no event, so the status of the workers says when there is more to see.
  const counted = useMonitor((state) => state.samples.at(-1)?.deadLetters ?? undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the number is another
  useEffect(() => {
    if (counted !== undefined) retry();
  }, [counted]);
  const [dialog, actions] = useLetterActions(() => {
    setSelection(new Set());
    retry();
  });
  const [kept, setKept] = useState(data);
  // A longer list is shown when it is here.
  useEffect(() => {
    if (data) setKept(data);
  }, [data]);
  const found = (data ?? kept)?.deadLetters;
  const list = useMemo<LiveListState<LetterRowFragment>>(
    () => ({
      rows: found?.nodes ?? [],
      total: found?.totalCount,
      hasMore: found?.pageInfo.hasNextPage ?? false,
      isLoading: isLoading && !found,
      isLoadingMore: isLoading,
      error: found ? undefined : failure,
      changed: nobody,
      arrived: 0,
      loadMore: () => {
        if (!isLoading) setFirst((count) => count + pageSize);
      },
      restart: retry,
      scrolled: () => {},
      showArrived: () => {},
    }),
    [found, isLoading, failure, retry],
  );
  const names = [...(consumers?.followers ?? []), ...(consumers?.handlers ?? [])];
  const chosen = list.rows.filter(({ id }) => selection.has(id));
  return (
    <OperationsFrame
      actions={
        (found?.totalCount ?? 0) > 0 && (
          <Group gap="xs">
            <Button
              variant="default"
              size="compact-sm"
              onClick={() => actions.replay({ all: true })}
            >
              Replay all
            </Button>
            <Button
              variant="subtle"
              color="red"
              size="compact-sm"
              onClick={() => actions.discard({ all: true }, 'all dead letters')}
            >
              Discard all…
            </Button>
          </Group>
        )
      }
    >
      <FilterBar
        noun="Dead letters"
        filters={[
          {
            key: 'consumer',
            label: 'Worker',
            kind: 'choice',
            isSingle: true,
            options: names.map(({ name }) => ({ value: name, label: name })),
          },
          { key: 'fingerprint', label: 'Fingerprint', kind: 'text', verb: 'is' },
          { key: 'stream', label: 'Stream', kind: 'text', verb: 'is' },
        ]}
      />
      <RecordTable
        label="Dead letters"
        list={list}
        columns={columns}
        open={({ id }) => navigate({ to: '/operations/letters/$id', params: { id }, search: true })}
        openId={openId}
        selection={selection}
        onSelect={setSelection}
        bulk={
          <>
            <Button
              size="compact-sm"
              onClick={() => actions.replayEach(chosen.map(({ id }) => id))}
            >
              Replay
            </Button>
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              onClick={() => actions.discardEach(chosen.map(({ id }) => id))}
            >
              Discard…
            </Button>
          </>
        }
        empty={
          <EmptyState icon={CircleCheck} title="Nothing was given up">
            What fails is tried again. Events that a worker gives up in the end show here, with
            their errors, until somebody replays or discards them.
          </EmptyState>
        }
      />
      {dialog}
    </OperationsFrame>
  );
}
