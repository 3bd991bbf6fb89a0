// What workers gave up: why, and replaying or discarding it, one by one, all that failed alike, or those that are selected.
import { Button, Group } from '@mantine/core';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { CircleCheck } from 'lucide-react';
import { useState } from 'react';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { type Column, RecordTable } from '../../components/record-table';
import { RelativeTime } from '../../components/relative-time';
import type { DeadLetterFilter, LetterRowFragment } from '../../generated/graphql';
import { useListSearch } from '../../lib/search';
import { OperationsFrame } from './frame';
import { type LetterActions, useLetterActions, type Which } from './letter-actions';
import { useLetterList } from './letter-list';
import { useMonitor } from './monitor';

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

export function LettersPage() {
  const { search } = useListSearch();
  const navigate = useNavigate();
  const { id: openId } = useParams({ strict: false }) as { id?: string };
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const consumers = useMonitor((state) => state.status);
  // What is given up is no event, so the status of the workers says when there is more to see.
  const counted = useMonitor((state) => state.samples.at(-1)?.deadLetters ?? undefined);
  const filter: DeadLetterFilter = {
    ...(search.consumer && { consumer: search.consumer.split(',')[0] }),
    ...(search.fingerprint && { fingerprint: search.fingerprint }),
    ...(search.stream && { streamId: search.stream }),
  };
  const [shown, actions] = useLetterActions(() => {
    setSelection(new Set());
    list.refresh();
  });
  // While letters go one by one, each is another number: the list is read again at the end.
  const list = useLetterList(filter, actions.isRunning ? undefined : counted);
  const names = [...(consumers?.followers ?? []), ...(consumers?.handlers ?? [])];
  const chosen = list.rows.filter(({ id }) => selection.has(id));
  return (
    <OperationsFrame
      actions={
        (list.total ?? 0) > 0 &&
        !actions.isRunning && <AllActions filter={filter} total={list.total ?? 0} {...actions} />
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
          !actions.isRunning && (
            <>
              <Button size="compact-sm" onClick={() => actions.replayEach(chosen)}>
                Replay
              </Button>
              <Button
                size="compact-sm"
                variant="subtle"
                color="red"
                onClick={() =>
                  actions.discardEach(
                    chosen,
                    chosen.length === 1
                      ? 'this dead letter'
                      : `these ${chosen.length.toLocaleString('en')} dead letters`,
                  )
                }
              >
                Discard…
              </Button>
            </>
          )
        }
        empty={
          <EmptyState icon={CircleCheck} title="Nothing was given up">
            What fails is tried again. Events that a worker gives up in the end show here, with
            their errors, until somebody replays or discards them.
          </EmptyState>
        }
      />
      {shown}
    </OperationsFrame>
  );
}

/** What is done with all that the filters show. */
export function AllActions({
  filter,
  total,
  replay,
  discard,
}: {
  filter: DeadLetterFilter;
  total: number;
} & Pick<LetterActions, 'replay' | 'discard'>) {
  const [isReplaying, setReplaying] = useState(false);
  const isFiltered = Object.keys(filter).length > 0;
  const which: Which = isFiltered ? { filter } : { all: true };
  const extent = isFiltered ? 'all shown' : 'all';
  const what = isFiltered
    ? `the ${total.toLocaleString('en')} dead letters that the filter shows`
    : 'all dead letters';
  return (
    <Group gap="xs">
      <Button
        variant="default"
        size="compact-sm"
        loading={isReplaying}
        onClick={() => {
          setReplaying(true);
          void replay(which).finally(() => setReplaying(false));
        }}
      >
        Replay {extent}
      </Button>
      <Button
        variant="subtle"
        color="red"
        size="compact-sm"
        disabled={isReplaying}
        onClick={() => discard(which, what)}
      >
        Discard {extent}…
      </Button>
    </Group>
  );
}
