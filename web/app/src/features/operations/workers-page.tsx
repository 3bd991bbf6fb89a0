// Followers and handlers with what they have left to do, and pausing and resuming them; rebuilds and breakers below.
import { Badge, Button, Tooltip } from '@mantine/core';
import { Link, useLocation } from '@tanstack/react-router';
import { Pause, Play } from 'lucide-react';
import { Lines } from '../../components/page';
import type { StatusFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { useSession } from '../../lib/session';
import { useWish } from '../../lib/wish';
import { inWords } from './alarms';
import { Breakers } from './breakers';
import { OperationsFrame, Section } from './frame';
import { monitor, useMonitor } from './monitor';
import classes from './operations.module.css';
import { ReadModels } from './read-models';
import { type Heading, SmallTable, TableRow } from './table';

const Pausing = graphql(`
  mutation PauseWorker($input: PauseWorkerInput!) {
    pauseWorker(input: $input) { workerStatus { ...Status } }
  }
`);
const Resuming = graphql(`
  mutation ResumeWorker($input: ResumeWorkerInput!) {
    resumeWorker(input: $input) { workerStatus { ...Status } }
  }
`);

type Follower = StatusFragment['followers'][number];
type Handler = StatusFragment['handlers'][number];

const followerHeadings: Heading[] = [
  { label: 'Follower' },
  { label: 'State' },
  { label: 'Lag', isNumber: true },
  { label: 'Position', isNumber: true },
  { label: 'Parts' },
  { label: 'Dead letters', isNumber: true },
  { label: 'Actions', isHidden: true },
];
const handlerHeadings: Heading[] = [
  { label: 'Handler' },
  { label: 'State' },
  { label: 'Waiting', isNumber: true },
  { label: 'Running', isNumber: true },
  { label: 'Tried again', isNumber: true },
  { label: 'Done in a minute', isNumber: true },
  { label: 'Lag', isNumber: true },
  { label: 'Dead letters', isNumber: true },
  { label: 'Actions', isHidden: true },
];

export function WorkersPage() {
  const status = useMonitor((state) => state.status);
  const { hash } = useLocation();
  return (
    <OperationsFrame scrolls>
      {!status ? (
        <Lines count={10} />
      ) : (
        <>
          <Section title="Followers">
            <p className={classes.words}>
              They keep read models: each event is applied once, in the order of its stream. Sixteen
              parts are shared by the processes that run.
            </p>
            <SmallTable label="Followers" headings={followerHeadings}>
              {status.followers.map((follower) => (
                <FollowerRow
                  key={follower.name}
                  follower={follower}
                  isNamed={hash === follower.name}
                />
              ))}
            </SmallTable>
          </Section>
          <Section title="Handlers">
            <p className={classes.words}>
              They do slow and outward work, such as webhooks. What fails is tried again, and
              becomes a dead letter in the end.
            </p>
            <SmallTable label="Handlers" headings={handlerHeadings}>
              {status.handlers.map((handler) => (
                <HandlerRow key={handler.name} handler={handler} isNamed={hash === handler.name} />
              ))}
            </SmallTable>
          </Section>
          <ReadModels />
          <Breakers breakers={status.breakers} />
        </>
      )}
    </OperationsFrame>
  );
}

function FollowerRow({ follower, isNamed }: { follower: Follower; isNamed: boolean }) {
  const { name, lag, pause, members, parts, position, deadLetters } = follower;
  return (
    <TableRow headings={followerHeadings} id={name} isNamed={isNamed}>
      <th scope="row">{name}</th>
      <td>
        <State pause={pause} isIdle={members.length === 0} isBehind={lag.seconds >= 10} />
      </td>
      <LagCell lag={lag} />
      <td>{position.toLocaleString('en')}</td>
      <td>
        <Parts parts={parts} members={members} />
      </td>
      <LettersCell name={name} count={deadLetters} />
      <td data-actions>
        <Hold name={name} isPaused={pause !== null} />
      </td>
    </TableRow>
  );
}

function HandlerRow({ handler, isNamed }: { handler: Handler; isNamed: boolean }) {
  const { name, lag, pause, waiting, running, retrying, doneLastMinute, deadLetters } = handler;
  const { concurrency, dependency } = handler;
  const told = [
    concurrency != null && `A process handles ${concurrency} at once.`,
    dependency && `It needs ${dependency}.`,
  ].filter(Boolean);
  return (
    <TableRow headings={handlerHeadings} id={name} isNamed={isNamed}>
      <th scope="row">
        {told.length > 0 ? (
          <Tooltip label={told.join(' ')}>
            <span>{name}</span>
          </Tooltip>
        ) : (
          name
        )}
      </th>
      <td>
        <State pause={pause} isIdle={false} isBehind={lag.seconds >= 10} />
      </td>
      <td>{waiting.toLocaleString('en')}</td>
      <td>{running.toLocaleString('en')}</td>
      <td data-level={retrying > 0 ? 'warn' : undefined}>{retrying.toLocaleString('en')}</td>
      <td>{doneLastMinute.toLocaleString('en')}</td>
      <LagCell lag={lag} />
      <LettersCell name={name} count={deadLetters} />
      <td data-actions>
        <Hold name={name} isPaused={pause !== null} />
      </td>
    </TableRow>
  );
}

function State({
  pause,
  isIdle,
  isBehind,
}: {
  pause: Follower['pause'];
  isIdle: boolean;
  isBehind: boolean;
}) {
  if (pause)
    return (
      <Tooltip label={`${pause.pausedBy.name}, ${new Date(pause.pausedAt).toLocaleString()}`}>
        <Badge color="orange" variant="light" tt="none" className={classes.warned}>
          Paused
        </Badge>
      </Tooltip>
    );
  if (isIdle)
    return (
      <Badge variant="light" tt="none" className={classes.failed}>
        No worker
      </Badge>
    );
  return (
    <Badge variant="light" tt="none" className={isBehind ? classes.warned : classes.well}>
      {isBehind ? 'Behind' : 'Running'}
    </Badge>
  );
}

/** Cells of tables get their names from the row, so what makes one passes on what it is given. */
function LagCell({ lag, ...rest }: { lag: Follower['lag'] }) {
  return (
    <td {...rest} data-level={lag.seconds >= 10 ? 'warn' : undefined}>
      {lag.events === 0
        ? 'none'
        : `${lag.isEstimate ? 'about ' : ''}${lag.events.toLocaleString('en')}, ${inWords(lag.seconds)}`}
    </td>
  );
}

function LettersCell({ name, count, ...rest }: { name: string; count: number }) {
  return (
    <td {...rest} data-level={count > 0 ? 'bad' : undefined}>
      {count === 0 ? (
        0
      ) : (
        <Link to="/operations/letters" search={{ consumer: name } as never}>
          {count.toLocaleString('en')}
        </Link>
      )}
    </td>
  );
}

/** Who holds which part, by shade. */
function Parts({ parts, members }: Pick<Follower, 'parts' | 'members'>) {
  const owners = members.map(({ owner }) => owner);
  const held = parts.filter(({ owner }) => owner !== null).length;
  const told = `${held} of ${parts.length} parts held by ${owners.length} ${owners.length === 1 ? 'process' : 'processes'}`;
  return (
    <Tooltip label={told}>
      <span className={classes.shares} role="img" aria-label={told}>
        {parts.map(({ part, owner }) => (
          <span
            key={part}
            data-held={owner !== null || undefined}
            data-hue={owner === null ? undefined : owners.indexOf(owner) % 3}
          />
        ))}
      </span>
    </Tooltip>
  );
}

function Hold({ name, isPaused }: { name: string; isPaused: boolean }) {
  const pause = useAct(Pausing);
  const resume = useAct(Resuming);
  const { me } = useSession();
  const act = async (toPause: boolean) => {
    const before = monitor.get().status;
    if (before)
      monitor.takeStatus(
        withPause(
          before,
          name,
          toPause
            ? {
                pausedAt: new Date().toISOString(),
                pausedBy: { id: me?.id ?? '', name: me?.name ?? 'You' },
              }
            : null,
        ),
      );
    try {
      if (toPause) {
        const { pauseWorker } = await pause({ input: { name } });
        if (pauseWorker) monitor.takeStatus(pauseWorker.workerStatus);
      } else {
        const { resumeWorker } = await resume({ input: { name } });
        if (resumeWorker) monitor.takeStatus(resumeWorker.workerStatus);
      }
    } catch (cause) {
      const now = monitor.get().status;
      const was =
        before && [...before.followers, ...before.handlers].find((it) => it.name === name);
      if (now) monitor.takeStatus(withPause(now, name, was?.pause ?? null));
      throw cause;
    }
  };
  const [isHeld, wish] = useWish(`pause:${name}`, isPaused, act);
  return (
    <Button
      variant={isHeld ? 'filled' : 'default'}
      size="compact-sm"
      leftSection={isHeld ? <Play size={12} /> : <Pause size={12} />}
      aria-label={`${isHeld ? 'Resume' : 'Pause'} ${name}`}
      onClick={() => wish(!isHeld)}
    >
      {isHeld ? 'Resume' : 'Pause'}
    </Button>
  );
}

/** The status as it will be. */
function withPause(status: StatusFragment, name: string, pause: Follower['pause']): StatusFragment {
  const changed = <Worker extends { name: string }>(worker: Worker): Worker =>
    worker.name === name ? { ...worker, pause } : worker;
  return {
    ...status,
    followers: status.followers.map(changed),
    handlers: status.handlers.map(changed),
  };
}
