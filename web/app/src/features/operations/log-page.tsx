// The live event log, with filters that the address keeps.
import { Button } from '@mantine/core';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { Pause, Play, ScrollText } from 'lucide-react';
import { useMemo, useState } from 'react';
import { ClearFilters } from '../../components/clear-filters';
import { EmptyState } from '../../components/empty-state';
import { FilterBar } from '../../components/filter-bar';
import { type Column, RecordTable } from '../../components/record-table';
import { UserAvatar } from '../../components/user-name';
import type { EventLogFilter } from '../../generated/graphql';
import { type ListSearch, useListSearch } from '../../lib/search';
import { type EventListRow, useEventList } from './event-list';
import { OperationsFrame } from './frame';
import classes from './operations.module.css';

const exact = new Intl.DateTimeFormat('en', {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});

const columns: Column<EventListRow>[] = [
  {
    key: 'type',
    header: 'Event',
    width: 'minmax(0, 1.3fr)',
    cell: ({ type, streamId, version }) => (
      <Link
        to="/operations/log/$stream/$version"
        params={{ stream: streamId, version: String(version) }}
        search
      >
        {type}
      </Link>
    ),
  },
  {
    key: 'actor',
    header: 'Who',
    width: 'minmax(0, 1fr)',
    cell: ({ actor }) => (
      <span className={classes.who}>
        <UserAvatar person={actor} size={18} /> <span className="cut">{actor.name}</span>
      </span>
    ),
  },
  {
    key: 'stream',
    header: 'Stream',
    width: 'minmax(0, 1.6fr)',
    cell: ({ streamId, version }) => (
      <span className={classes.mono}>
        {streamId} <span className="quiet">v{version}</span>
      </span>
    ),
  },
  {
    key: 'at',
    header: 'When',
    width: '168px',
    isNumber: true,
    cell: ({ occurredAt }) => (
      <time dateTime={occurredAt}>{exact.format(new Date(occurredAt))}</time>
    ),
  },
  {
    key: 'position',
    header: 'Position',
    width: '88px',
    isNumber: true,
    isWide: true,
    cell: ({ position }) => position.toLocaleString('en'),
  },
];

const kinds = [
  ['customer', 'Customer'],
  ['user', 'User'],
  ['session', 'Session'],
  ['chat', 'Chat'],
  ['post', 'Post'],
  ['student', 'Student'],
  ['student_cache', 'Cache of students'],
  ['signal', 'Signal'],
  ['presence', 'Presence'],
  ['inbox', 'Inbox'],
  ['erasure', 'Erasure'],
  ['operations', 'Operations'],
] as const;

export function LogPage() {
  const { search } = useListSearch();
  const navigate = useNavigate();
  const { stream, version } = useParams({ strict: false }) as { stream?: string; version?: string };
  const [isHeld, setHeld] = useState(false);
  const filter = useMemo(() => filterOf(search), [search]);
  const list = useEventList(filter, isHeld);
  const open = list.rows.find((row) => row.streamId === stream && String(row.version) === version);
  return (
    <OperationsFrame
      actions={
        <Button
          variant="default"
          size="compact-sm"
          leftSection={isHeld ? <Play size={14} /> : <Pause size={14} />}
          onClick={() => setHeld(!isHeld)}
        >
          {isHeld ? 'Go on' : 'Hold'}
        </Button>
      }
    >
      <FilterBar
        noun="Events"
        filters={[
          {
            key: 'kind',
            label: 'Stream',
            kind: 'choice',
            isSingle: true,
            options: kinds.map(([value, label]) => ({ value, label })),
          },
          { key: 'type', label: 'Type', kind: 'text', verb: 'is one of' },
          { key: 'stream', label: 'Id', kind: 'text', verb: 'is' },
          { key: 'actor', label: 'Actor', kind: 'text', verb: 'is' },
          { key: 'from', label: 'First day', kind: 'date', verb: 'is' },
          { key: 'until', label: 'Last day', kind: 'date', verb: 'is' },
        ]}
      />
      <RecordTable
        label="Events"
        list={list}
        columns={columns}
        open={({ streamId, version }) =>
          navigate({
            to: '/operations/log/$stream/$version',
            params: { stream: streamId, version: String(version) },
            search: true,
          })
        }
        openId={open?.id}
        empty={
          <EmptyState
            icon={ScrollText}
            title={
              Object.keys(filter).length > 0
                ? 'No event is like this yet'
                : 'Nothing has happened yet'
            }
            action={<ClearFilters />}
          >
            Every change is an event of the log. One that matches shows here as it happens.
          </EmptyState>
        }
      />
    </OperationsFrame>
  );
}

/** What the address says; a part that cannot be meant is left out. */
export function filterOf(search: ListSearch): EventLogFilter {
  const types = search.type
    ?.split(/[\s,]+/)
    .filter(Boolean)
    .slice(0, 50);
  const day = (text: string | undefined, later = 0) => {
    const at = new Date(`${text}T00:00`);
    if (Number.isNaN(at.getTime())) return undefined;
    at.setDate(at.getDate() + later);
    return at.toISOString();
  };
  const [from, before] = [day(search.from), day(search.until, 1)];
  return {
    ...(search.kind && { stream: search.kind.split(',')[0] }),
    ...(search.stream && { streamId: search.stream }),
    ...(types && types.length > 0 && { types }),
    ...(search.actor && { actor: search.actor }),
    ...(from && { from }),
    ...(before && { before }),
  };
}
