// Under the response: whether there is a line, and each event of a subscription or answer of a live query that came, newest
// first. The response itself shows the last one.
import { Button } from '@mantine/core';
import type { ConnectionState } from '@millrace/client';
import { useSyncExternalStore } from 'react';
import { type Arrival, updateSeen, useSeen } from './seen';
import { client } from './transport';

const words: Record<ConnectionState['status'], string> = {
  idle: 'No live connection',
  connecting: 'Connecting',
  live: 'Live',
  resuming: 'Catching up',
  offline: 'Connection lost, trying again',
};

export function Status() {
  const { status, transport } = useSyncExternalStore(
    (listener) => client.onState(listener),
    () => client.state,
  );
  const { events, cursor } = useSeen();
  const isLost = status === 'resuming' && transport === undefined;
  return (
    <div className="live-status">
      <span className="live-status-socket" data-status={isLost ? 'offline' : status} role="status">
        {isLost ? words.offline : words[status]}
      </span>
      {events > 0 && <span>{events === 1 ? '1 event' : `${events} events`}</span>}
      {cursor && (
        <span className="live-status-cursor">
          Last cursor <code>{cursor}</code>
        </span>
      )}
    </div>
  );
}

export function Arrivals() {
  const { arrivals, events } = useSeen();
  if (arrivals.length === 0) return null;
  return (
    <section className="arrivals" aria-label="What came">
      <header>
        <h2 className="arrivals-title">What came</h2>
        <span className="arrivals-count">
          {arrivals.length < events ? `the last ${arrivals.length} of ${events}` : events}
        </span>
        <Button
          variant="subtle"
          size="compact-xs"
          onClick={() => updateSeen({ arrivals: [], events: 0 })}
        >
          Clear
        </Button>
      </header>
      <ol reversed>
        {arrivals.toReversed().map((arrival) => (
          <li key={arrival.number}>
            <details>
              <summary>
                <span className="arrival-number">{arrival.number}</span>
                <time dateTime={arrival.at.toISOString()}>
                  {arrival.at.toLocaleTimeString('en', { hourCycle: 'h23' })}
                </time>
                <span className="arrival-told">{tell(arrival)}</span>
              </summary>
              <pre>{JSON.stringify(arrival.patch ?? arrival.result, null, 2)}</pre>
            </details>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** In a line: the steps of a patch, an error, or what the root field says of itself. */
export function tell({ result, patch }: Pick<Arrival, 'result' | 'patch'>): string {
  if (patch)
    return patch
      .map(({ op, path, value }) =>
        [op, path, value === undefined ? '' : short(value)].filter(Boolean).join(' '),
      )
      .join(', ');
  const [error] = result.errors ?? [];
  if (error) return `${error.extensions?.code ?? 'error'}: ${error.message}`;
  const [field, value] = Object.entries((result.data as object | null) ?? {})[0] ?? ['nothing', ''];
  const { type } = (value ?? {}) as { type?: unknown };
  return typeof type === 'string' ? `${field} ${type}` : field;
}

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
