// What workers gave up: why, and replaying or discarding it, one by one, all that failed alike, or those that are selected.
import { Button, Group } from '@mantine/core';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { CircleCheck } from 'lucide-react';
import { useState } from 'react';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { type Column, RecordTable } from '../../components/record-table';
import { RelativeTime } from '../../components/relative-time';
import type { LetterRowFragment } from '../../generated/graphql';
import { useListSearch } from '../../lib/search';
import { sayFailed } from '../../lib/toasts';
import { OperationsFrame } from './frame';
import { type LetterActions, useLetterActions } from './letter-actions';
import { type LetterFilter, useLetterList } from './letter-list';
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

/** So many are read to be replayed or discarded one by one. */
const mostAtOnce = 10_000;

export function LettersPage() {
  const { search } = useListSearch();
  const navigate = useNavigate();
  const { id: openId } = useParams({ strict: false }) as { id?: string };
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const consumers = useMonitor((state) => state.status);
  // What is given up is no event, so the status of the workers says when there is more to see.
  const counted = useMonitor((state) => state.samples.at(-1)?.deadLetters ?? undefined);
  const filter = {
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
        !actions.isRunning && (
          <AllActions filter={filter} total={list.total ?? 0} loadAll={list.loadAll} {...actions} />
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

/** What is done with all that the filters show. The gateway knows two such filters; otherwise they are read first. */
export function AllActions({
  filter,
  total,
  loadAll,
  replay,
  replayEach,
  discard,
  discardEach,
}: {
  filter: LetterFilter;
  total: number;
  loadAll: (most: number) => Promise<readonly LetterRowFragment[]>;
} & Omit<LetterActions, 'isRunning'>) {
  /** For which of the two the letters are being read. */
  const [reading, setReading] = useState<'replay' | 'discard'>();
  const { fingerprint, ...others } = filter;
  const isFiltered = Object.keys(filter).length > 0;
  const isKnown = Object.keys(others).length === 0;
  const which = fingerprint ? { fingerprint } : { all: true };
  const most = mostAtOnce.toLocaleString('en');
  const isCut = !isKnown && total > mostAtOnce;
  const what = isFiltered
    ? `the ${isCut ? `first ${most} of the ` : ''}${total.toLocaleString('en')} dead letters that the filter shows`
    : 'all dead letters';
  const extent = isCut ? `the first ${most}` : isFiltered ? 'all shown' : 'all';
  /** Those that wait behind others are applied when these are discarded, as when all are. */
  const read = async (
    verb: 'replay' | 'discard',
    act: (letters: readonly LetterRowFragment[]) => void,
  ) => {
    setReading(verb);
    try {
      const letters = await loadAll(mostAtOnce);
      const chosen = verb === 'replay' ? letters : letters.filter(({ isParked }) => !isParked);
      if (chosen.length > 0) act(chosen);
    } catch (cause) {
      sayFailed(cause);
    } finally {
      setReading(undefined);
    }
  };
  return (
    <Group gap="xs">
      <Button
        variant="default"
        size="compact-sm"
        loading={reading === 'replay'}
        disabled={reading === 'discard'}
        onClick={() => (isKnown ? replay(which) : read('replay', replayEach))}
      >
        Replay {extent}
      </Button>
      <Button
        variant="subtle"
        color="red"
        size="compact-sm"
        loading={reading === 'discard'}
        disabled={reading === 'replay'}
        onClick={() =>
          isKnown ? discard(which, what) : read('discard', (letters) => discardEach(letters, what))
        }
      >
        Discard {extent}…
      </Button>
    </Group>
  );
}
