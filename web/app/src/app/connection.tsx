// The connection in a word; a click tells the rest: what was caught up on, and what waits to be sent.
import { Button, Popover, Stack, Text } from '@mantine/core';
import type { ConnectionState, Waiting } from '@millrace/client';
import { useEffect, useState } from 'react';
import { RelativeTime } from '../components/relative-time';
import { useConnection, useInterruptions } from '../lib/connection';
import { millrace } from '../lib/millrace';
import classes from './connection.module.css';

export function wordFor({ status, caughtUp, waiting }: ConnectionState): string {
  const waits =
    waiting === 0 ? '' : `${waiting} ${waiting === 1 ? 'change waits' : 'changes wait'}`;
  switch (status) {
    case 'live':
      return waits ? `Live, ${waits}` : 'Live';
    case 'resuming':
      return caughtUp > 0 ? `Catching up ${caughtUp}` : 'Catching up';
    case 'offline':
      return waits ? `Offline, ${waits}` : 'Offline';
    case 'connecting':
      return 'Connecting';
    case 'idle':
      return waits || 'Ready';
  }
}

export function Connection() {
  const state = useConnection();
  const word = wordFor(state);
  return (
    <Popover position="top-start" width={300} withinPortal>
      <Popover.Target>
        <button
          type="button"
          className={classes.button}
          data-status={state.status}
          aria-label={`Connection: ${word}`}
        >
          <span className={classes.dot} aria-hidden />
          <span className="label" role="status">
            {word}
          </span>
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <Details state={state} />
      </Popover.Dropdown>
    </Popover>
  );
}

const explained: Record<ConnectionState['status'], string> = {
  live: 'What others do shows here as it happens.',
  resuming: 'The line was lost and is back; what happened meanwhile comes now.',
  offline:
    'The gateway cannot be reached. What you see is what was last known; it goes on by itself.',
  connecting: 'The line is being made.',
  idle: 'Nothing on this page needs a line.',
};

function Details({ state }: { state: ConnectionState }) {
  const interruptions = useInterruptions();
  return (
    <Stack gap="sm">
      <Text size="sm">{explained[state.status]}</Text>
      {state.transport && (
        <Text size="xs" c="dimmed">
          Over {state.transport === 'websocket' ? 'a WebSocket' : 'event streams'}
        </Text>
      )}
      <Queue count={state.waiting} />
      {interruptions.length > 0 && (
        <div>
          <Text size="xs" fw={600}>
            Interruptions
          </Text>
          {interruptions.map(({ at, seconds, caughtUp }) => (
            <Text key={at} size="xs" c="dimmed">
              <RelativeTime at={at} />: {seconds} s, caught up on {caughtUp}{' '}
              {caughtUp === 1 ? 'event' : 'events'}
            </Text>
          ))}
        </div>
      )}
    </Stack>
  );
}

function Queue({ count }: { count: number }) {
  const [waiting, setWaiting] = useState<readonly Waiting[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what waits changes with its count
  useEffect(() => {
    let isOver = false;
    millrace.outbox.list().then(
      (list) => !isOver && setWaiting(list),
      () => {},
    );
    return () => {
      isOver = true;
    };
  }, [count]);
  if (waiting.length === 0) return null;
  return (
    <div>
      <Text size="xs" fw={600}>
        Waiting to be sent
      </Text>
      <ol className={classes.queue}>
        {waiting.map(({ id, operation }) => (
          <li key={id}>{titleOf(operation)}</li>
        ))}
      </ol>
      <Button
        variant="subtle"
        color="red"
        size="compact-xs"
        onClick={() =>
          window.confirm('These changes are lost if you drop them. Drop them?') &&
          millrace.outbox.clear()
        }
      >
        Drop them
      </Button>
    </div>
  );
}

/** `mutation SendMessage` is "Send message", with the text it has. */
function titleOf({ query, variables }: Waiting['operation']): string {
  const name = /mutation\s+(\w+)/.exec(String(query))?.[1] ?? 'Change';
  // Browsers of before 2023 take a page with a lookbehind for one with a mistake.
  const words = name.replaceAll(
    /([a-z])([A-Z])/g,
    (_, before, letter) => `${before} ${letter.toLowerCase()}`,
  );
  const input = variables?.input as Record<string, unknown> | undefined;
  const text = [input?.text, input?.message, input?.name].find(
    (value) => typeof value === 'string',
  );
  return text ? `${words}: ${text}` : words;
}
