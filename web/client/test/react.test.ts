// @vitest-environment happy-dom
// The hooks in a rendered component, on a client whose parts are told what happens.
import { act, createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, it } from 'vitest';
import type { Client, ConnectionState, Result, Sink } from '../src/index.ts';
import { MillraceError } from '../src/index.ts';
import { useConnection, useEvents, useLive } from '../src/react.ts';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

function fake() {
  const sinks: Sink[] = [];
  const listeners = new Set<() => void>();
  let stops = 0;
  const client = {
    state: { status: 'idle', caughtUp: 0, waiting: 0, transport: undefined } as ConnectionState,
    onState: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    run: (_: unknown, sink: Sink) => {
      sinks.push(sink);
      return () => {
        stops += 1;
      };
    },
  };
  const tell = (status: ConnectionState['status']) => {
    client.state = { ...client.state, status };
    for (const listener of listeners) listener();
  };
  return { client: client as unknown as Client, sinks, listeners, tell, stops: () => stops };
}

async function render(view: () => string) {
  const element = document.createElement('div');
  const root = createRoot(element);
  const show = (component: () => string) => act(async () => root.render(createElement(component)));
  await show(view);
  return { element, show, end: () => act(async () => root.unmount()) };
}

it('useConnection shows what is so', async () => {
  const { client, tell, listeners } = fake();
  const { element, end } = await render(() => useConnection(client).status);
  expect(element.textContent).toBe('idle');
  await act(async () => tell('resuming'));
  expect(element.textContent).toBe('resuming');
  await end();
  expect(listeners.size).toBe(0);
});

it('useLive shows the newest answer, of one stream for an operation that stays the same', async () => {
  const { client, sinks, stops } = fake();
  const view = (n: number) =>
    function View() {
      const { data, error } = useLive<{ n: number }>(client, { query: '{ n }', variables: { n } });
      return `${data?.n} ${error?.code}`;
    };
  const same = view(1);
  const { element, show, end } = await render(same);
  expect(element.textContent).toBe('undefined undefined');
  await act(async () => sinks[0]?.next({ data: { n: 1 } }));
  await act(async () => sinks[0]?.next({ data: { n: 2 } }));
  await show(same);
  expect(element.textContent).toBe('2 undefined');
  expect(sinks).toHaveLength(1);
  await act(async () => sinks[0]?.error(new MillraceError('FORBIDDEN', 'no')));
  expect(element.textContent).toBe('2 FORBIDDEN');
  await show(view(2));
  expect(sinks).toHaveLength(2);
  expect(stops()).toBe(1);
  await end();
  expect(stops()).toBe(2);
});

it('nothing of another operation is shown, not even in the first render', async () => {
  const { client, sinks } = fake();
  let shown = 1;
  const seen: string[] = [];
  const View = () => {
    const [n] = [shown];
    const { data, error } = useLive<{ n: number }>(client, { query: '{ n }', variables: { n } });
    const failed = useEvents(client, { query: 'subscription { n }', variables: { n } }, () => {});
    seen.push(`${n}: ${data?.n} ${error?.code} ${failed?.code}`);
    return seen.at(-1) ?? '';
  };
  const { element, show, end } = await render(View);
  await act(async () => {
    sinks[0]?.next({ data: { n: 1 } });
    sinks[0]?.error(new MillraceError('FORBIDDEN', 'no'));
    sinks[1]?.error(new MillraceError('CURSOR_EXPIRED', 'gone'));
  });
  expect(element.textContent).toBe('1: 1 FORBIDDEN CURSOR_EXPIRED');
  shown = 2;
  await show(View);
  expect(new Set(seen.filter((it) => it.startsWith('2')))).toEqual(
    new Set(['2: undefined undefined undefined']),
  );
  await act(async () => sinks[2]?.next({ data: { n: 2 } }));
  expect(element.textContent).toBe('2: 2 undefined undefined');
  await end();
});

it('useEvents calls the newest handler with each event once', async () => {
  const { client, sinks, stops } = fake();
  const seen: unknown[] = [];
  let label = 'a';
  const View = () => {
    const mine = label;
    const handle = ({ data }: Result) => void seen.push([mine, data]);
    return `${useEvents(client, { query: 'subscription { n }' }, handle)?.code}`;
  };
  const { element, show, end } = await render(View);
  await act(async () => sinks[0]?.next({ data: 1 }));
  label = 'b';
  await show(View);
  await act(async () => sinks[0]?.next({ data: 2 }));
  expect(seen).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  await act(async () => sinks[0]?.error(new MillraceError('CURSOR_EXPIRED', 'gone')));
  expect(element.textContent).toBe('CURSOR_EXPIRED');
  await end();
  expect(stops()).toBe(1);
});
