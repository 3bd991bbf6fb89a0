// What is kept and for how long: the log's extent and who holds its beginning, caches of this gateway, and erasures.
import { Progress, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { Check, Circle } from 'lucide-react';
import { useEffect, useMemo } from 'react';
import { Failed } from '../../components/failed';
import { Lines } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import type { StorageQuery } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import { OperationsFrame, Section } from './frame';
import { useMonitor } from './monitor';
import classes from './operations.module.css';
import { type Heading, SmallTable, TableRow } from './table';

const Storage = graphql(`
  query Storage {
    oldest: eventLog(first: 1) { nodes { eventId position occurredAt } }
    newest: eventLog(last: 1) { nodes { eventId position occurredAt } }
    caches { name entries hits misses sharedHits loads failures eagerRefreshes stale }
    erasures {
      user { id name }
      requestedAt
      requestedBy { name ... on User { id } }
      finishedAt
      steps { place doneAt }
      logProgress
      eventsRedacted
      rowsErased
      filesRewritten
    }
  }
`);

/** Caches count, and erasures proceed, without an event. */
const askedEveryMs = 3_000;
/** A moment behind is no hold-up. */
const heldSeconds = 10;

export function StoragePage() {
  const { data, failure, isLoading, retry } = useLive(Storage, {});
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') retry();
    }, askedEveryMs);
    return () => clearInterval(timer);
  }, [retry]);
  return (
    <OperationsFrame scrolls>
      {failure && !data && <Failed error={failure} retry={retry} />}
      {isLoading && !failure && <Lines count={10} />}
      {data && (
        <>
          <Retention data={data} />
          <Caches caches={data.caches ?? []} />
          <Erasures erasures={data.erasures ?? []} />
        </>
      )}
    </OperationsFrame>
  );
}

function Retention({ data }: { data: StorageQuery }) {
  const status = useMonitor((state) => state.status);
  const oldest = data.oldest?.nodes[0];
  const newest = data.newest?.nodes[0];
  const slowest = useMemo(
    () =>
      status?.followers.reduce<(typeof status.followers)[number] | undefined>(
        (last, each) => (last && last.position <= each.position ? last : each),
        undefined,
      ),
    [status],
  );
  return (
    <Section title="Retention">
      {!oldest || !newest ? (
        <Text size="sm" c="dimmed">
          The log is empty.
        </Text>
      ) : (
        <dl className={classes.facts}>
          <dt>Log</dt>
          <dd className="numbers">
            positions {oldest.position.toLocaleString('en')} to{' '}
            {newest.position.toLocaleString('en')}, from{' '}
            {new Date(oldest.occurredAt).toLocaleString()} (<RelativeTime at={oldest.occurredAt} />)
          </dd>
          <dt>Pruned</dt>
          <dd>
            {oldest.position === 1
              ? 'nothing yet'
              : `what came before ${oldest.position.toLocaleString('en')}`}
          </dd>
          {slowest && (
            <>
              <dt>Held by</dt>
              <dd className="numbers">
                {slowest.lag.seconds < heldSeconds ? (
                  'no follower: all are at its end'
                ) : (
                  <>
                    <Link to="/operations/workers" hash={slowest.name}>
                      {slowest.name}
                    </Link>
                    , which is at {slowest.position.toLocaleString('en')}
                  </>
                )}
              </dd>
            </>
          )}
        </dl>
      )}
      <p className={classes.words} style={{ marginTop: 8 }}>
        Workers with <code>--retention 90d</code> prune what is older, as far as all followers,
        handlers and dead letters have passed it; <code>--archive</code> keeps it in files first.
        Without it the log is kept for ever.
      </p>
    </Section>
  );
}

const cacheHeadings: Heading[] = [
  { label: 'Cache' },
  { label: 'Objects', isNumber: true },
  { label: 'From memory' },
  { label: 'From the shared store', isNumber: true },
  { label: 'From the database', isNumber: true },
  { label: 'Refreshed early', isNumber: true },
  { label: 'Stale answers', isNumber: true },
  { label: 'Failed loads', isNumber: true },
];

function Caches({ caches }: { caches: NonNullable<StorageQuery['caches']> }) {
  return (
    <Section title="Caches">
      <p className={classes.words}>Of the gateway that answers this page, since it started.</p>
      <SmallTable label="Caches" headings={cacheHeadings}>
        {caches.map((cache) => {
          const asked = cache.hits + cache.misses;
          const share = asked === 0 ? 0 : (100 * cache.hits) / asked;
          return (
            <TableRow key={cache.name} headings={cacheHeadings}>
              <th scope="row">{cache.name}</th>
              <td>{cache.entries.toLocaleString('en')}</td>
              <td>
                {asked === 0 ? (
                  <span className="quiet">not asked yet</span>
                ) : (
                  <div className={classes.share}>
                    <Progress value={share} aria-label={`Answers of ${cache.name} from memory`} />
                    <span className="numbers">
                      {share.toFixed(0)} % of {asked.toLocaleString('en')}
                    </span>
                  </div>
                )}
              </td>
              <td>{cache.sharedHits.toLocaleString('en')}</td>
              <td>{cache.loads.toLocaleString('en')}</td>
              <td>{cache.eagerRefreshes.toLocaleString('en')}</td>
              <td data-level={cache.stale > 0 ? 'warn' : undefined}>
                {cache.stale.toLocaleString('en')}
              </td>
              <td data-level={cache.failures > 0 ? 'bad' : undefined}>
                {cache.failures.toLocaleString('en')}
              </td>
            </TableRow>
          );
        })}
      </SmallTable>
    </Section>
  );
}

const erasureHeadings: Heading[] = [
  { label: 'Person' },
  { label: 'Asked for' },
  { label: 'Places' },
  { label: 'Log' },
  { label: 'Erased' },
];
const places = {
  USER: 'account',
  LOG: 'log',
  TABLES: 'tables',
  STREAMS: 'streams',
  ARCHIVE: 'archive',
  LATE_WRITES: 'late writes',
};

function Erasures({ erasures }: { erasures: NonNullable<StorageQuery['erasures']> }) {
  return (
    <Section title="Erasures" actions={<Link to="/operations/people">Erase someone’s data</Link>}>
      {erasures.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nobody’s data was erased. Deactivate a person first, then erase what is personal of them.
        </Text>
      ) : (
        <SmallTable label="Erasures" headings={erasureHeadings}>
          {erasures.map((erasure) => (
            <TableRow key={erasure.user.id} headings={erasureHeadings}>
              <th scope="row" className={classes.mono}>
                {erasure.user.id}
              </th>
              <td>
                <RelativeTime at={erasure.requestedAt} /> by {erasure.requestedBy.name}
              </td>
              <td>
                <ol className={classes.steps}>
                  {erasure.steps.map(({ place, doneAt }) => (
                    <li
                      key={place}
                      className={classes.step}
                      data-done={doneAt != null || undefined}
                    >
                      {doneAt ? (
                        <Check size={12} aria-label="Done:" />
                      ) : (
                        <Circle size={10} aria-label="To do:" />
                      )}
                      {places[place]}
                    </li>
                  ))}
                </ol>
              </td>
              <td>
                {erasure.finishedAt ? (
                  <>
                    done <RelativeTime at={erasure.finishedAt} />
                  </>
                ) : (
                  <Progress
                    value={100 * erasure.logProgress}
                    aria-label={`Erasure of ${erasure.user.id} in the log`}
                    w={100}
                  />
                )}
              </td>
              <td className="numbers">
                {erasure.eventsRedacted.toLocaleString('en')} events,{' '}
                {erasure.rowsErased.toLocaleString('en')} rows
                {erasure.filesRewritten != null && `, ${erasure.filesRewritten} files`}
              </td>
            </TableRow>
          ))}
        </SmallTable>
      )}
    </Section>
  );
}
