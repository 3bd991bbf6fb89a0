// What the pages of operations watch, once for all of them, and for as long as one is open: the log's end, the status of the
// workers, and what is well.
//
// Two subscriptions, to the events and to the status, begin anew after a pause when they have ended, and say so meanwhile.
//
// Events come by one subscription, beside the cache: there may be thousands a second, and none is read twice. They are taken
// into account as they come, and shown four times a second. Reachability and rebuilds change without an event, so they are the
// one thing in the app that is asked for regularly, while the page is seen.
//
// The time from commit to this page is from `occurredAt`, which the recording process sets just before it commits, to the
// moment the event was here. Events from before the line was there were caught up on; they tell nothing of it and do not count.
import { MillraceError } from '@millrace/client';
import { useEffect, useSyncExternalStore } from 'react';
import type { EventRowFragment, StatusFragment, WhatIsWellQuery } from '../../generated/graphql';
import { asFailure } from '../../lib/errors';
import { goOn } from '../../lib/events';
import { millrace } from '../../lib/millrace';
import { LatestEvents, NewEvents, StatusChanges, WhatIsWell } from './documents';
import {
  keep,
  narrow,
  nothing,
  type Offset,
  offsetOf,
  percentile,
  ratesOf,
  type Sample,
  windowSeconds,
} from './samples';

export type LoggedEvent = EventRowFragment;
export type Health = NonNullable<WhatIsWellQuery['health']>;
export type ReadModel = NonNullable<WhatIsWellQuery['readModels']>[number];

export interface Monitor {
  samples: readonly Sample[];
  /** Newest last; the last thousand since the page was opened, and some before. */
  events: readonly LoggedEvent[];
  /** The log's end is followed: what is read from now on has no gap to `events`. */
  isFollowed: boolean;
  status: StatusFragment | undefined;
  health: Health | undefined;
  readModels: readonly ReadModel[] | undefined;
  /** How far the gateway's clock is ahead, in milliseconds, when the clocks are known to differ. */
  clockOffset: number;
  /** Why the log's end is not followed, or the status; each is tried again. */
  failure: MillraceError | undefined;
  statusFailure: MillraceError | undefined;
}

const mostEvents = 1_000;
const firstEvents = 100;
const shownEveryMs = 250;
const askedEveryMs = 5_000;
const askedDuringRebuildMs = 1_000;
/** The rate is the mean over so many seconds: single ones jump too much to be read. */
const rateSeconds = 5;
const backfillSeconds = 30;
/** Latencies of the last minute make the percentile. */
const latencySeconds = 60;
const clockProbes = 8;
const startedAt = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY };

class Store {
  #state: Monitor = empty();
  readonly #listeners = new Set<() => void>();
  #users = 0;
  #stops: (() => void)[] = [];
  #arrived: LoggedEvent[] = [];
  #counts: { at: number; count: number; seconds: number }[] = [];
  #sampledAt = 0;
  #countNow = 0;
  #latencies: { at: number; ms: number }[] = [];
  #offset: Offset = startedAt;
  #openedAt = 0;
  /** Since when there is a line, in milliseconds; nothing is heard without one. */
  #lineSince = 0;
  #hasLine = true;
  #userId: string | undefined;

  readonly get = () => this.#state;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Returns what ends it; pages that follow each other share what was seen. */
  readonly use = (): (() => void) => {
    if (this.#users++ === 0) this.#start();
    return () => {
      // The next page may open in the same moment.
      setTimeout(() => {
        if (--this.#users === 0) this.#stop();
      }, 1_000);
    };
  };

  /** Shows a status that a mutation answered, or that is expected. */
  readonly takeStatus = (status: StatusFragment) => this.#set({ status });

  readonly askNow = () => this.#ask();

  #start(): void {
    if (this.#userId !== millrace.userId) this.#state = empty();
    this.#userId = millrace.userId;
    this.#openedAt = Date.now();
    this.#sampledAt = this.#openedAt;
    this.#lineSince = this.#openedAt;
    this.#counts = [];
    this.#latencies = [];
    this.#countNow = 0;
    const stopping = new AbortController();
    const every = (ms: number, act: () => void) => {
      const timer = setInterval(act, ms);
      this.#stops.push(() => clearInterval(timer));
    };
    this.#stops.push(() => stopping.abort());
    this.#stops.push(millrace.onState(() => this.#watchLine()));
    this.#stops.push(
      millrace.onSession((change) => {
        // What ran ended with the session before.
        if (change === 'begun') this.#beginAnew();
      }),
    );
    this.#set({ failure: undefined, statusFailure: undefined });
    this.#stops.push(
      goOn((ended) => {
        const leaving = new AbortController();
        const failed = (cause: Error) => {
          if (leaving.signal.aborted) return;
          leaving.abort();
          const failure = asFailure(cause);
          this.#set({ failure, isFollowed: false });
          ended(failure.code);
        };
        this.#follow(leaving.signal, failed).catch(failed);
        return () => leaving.abort();
      }),
      goOn((ended) => {
        const failed = (failure: MillraceError) => {
          this.#set({ statusFailure: failure });
          ended(failure.code);
        };
        return millrace.run(
          { query: StatusChanges },
          {
            next: ({ data }) =>
              data && this.#set({ status: data.workerStatus, statusFailure: undefined }),
            error: failed,
            complete: () => failed(new MillraceError('UNAVAILABLE', 'The status ended')),
          },
        );
      }),
    );
    every(1_000, () => this.#sample());
    every(shownEveryMs, () => this.#show());
    this.#askRegularly(stopping.signal);
    this.#compareClocks(stopping.signal).catch(() => {});
  }

  #stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#set({ isFollowed: false });
  }

  #beginAnew(): void {
    this.#stop();
    this.#start();
  }

  /** Calls `failed` when the events have ended. */
  async #follow(signal: AbortSignal, failed: (cause: Error) => void): Promise<void> {
    const { data, extensions } = await millrace.query(
      { query: LatestEvents, variables: { last: firstEvents } },
      { signal },
    );
    if (signal.aborted) return;
    const after = extensions?.cursor as string;
    this.#arrived = [];
    this.#set({ events: data.eventLog?.nodes ?? [], failure: undefined });
    const stop = millrace.run(
      { query: NewEvents, variables: { after } },
      {
        next: ({ data }) => data && this.#take(data.eventLog),
        error: failed,
        complete: () => failed(new MillraceError('UNAVAILABLE', 'The events ended')),
      },
      {
        onGap: async () => {
          const { data, extensions } = await millrace.query({
            query: LatestEvents,
            variables: { last: firstEvents },
          });
          this.#arrived = [];
          this.#set({ events: data.eventLog?.nodes ?? [] });
          return extensions?.cursor as string;
        },
      },
    );
    signal.addEventListener('abort', stop);
    this.#set({ isFollowed: true });
    // The chart begins with the page if that cannot be read.
    await this.#fillIn(signal).catch(() => {});
  }

  /** The rates of the time before, from the positions that the log had reached. */
  async #fillIn(signal: AbortSignal): Promise<void> {
    const now = Math.floor(this.#openedAt / 1_000);
    const times: number[] = [];
    for (let at = now - windowSeconds; at <= now; at += backfillSeconds) times.push(at);
    const known = this.#state.samples.at(-1)?.at ?? 0;
    const fields = times.map(
      (at, place) =>
        `t${place}: eventLog(last: 1, filter: { before: "${new Date(at * 1_000).toISOString()}" }) { nodes { position } searchedTo }`,
    );
    type Found = { nodes: { position: number }[]; searchedTo: string | null };
    const { data } = await millrace.query<Record<string, Found>>(
      { query: `query PositionsBefore { ${fields.join(' ')} }` },
      { signal },
    );
    const positions = times.map((_, place) => {
      const found = data[`t${place}`];
      if (!found || found.searchedTo) return null;
      return found.nodes[0]?.position ?? 0;
    });
    const before = ratesOf(times, positions).filter(({ at }) => at > known);
    const samples = [...this.#state.samples, ...before].toSorted((a, b) => a.at - b.at);
    this.#set({ samples });
  }

  #take(event: LoggedEvent): void {
    this.#arrived.push(event);
    this.#countNow += 1;
    if (this.#arrived.length > mostEvents)
      this.#arrived.splice(0, this.#arrived.length - mostEvents);
    const now = Date.now();
    const ms = now + offsetOf(this.#offset) - Date.parse(event.occurredAt);
    if (now - ms >= this.#lineSince) this.#latencies.push({ at: now, ms: Math.max(ms, 0) });
  }

  #watchLine(): void {
    const hasLine = millrace.state.transport !== undefined;
    if (hasLine && !this.#hasLine) this.#lineSince = Date.now();
    this.#hasLine = hasLine;
  }

  #show(): void {
    if (this.#arrived.length === 0) return;
    const events = [...this.#state.events, ...this.#arrived.splice(0)].slice(-mostEvents);
    this.#set({ events });
  }

  #sample(): void {
    const now = Date.now();
    const at = Math.floor(now / 1_000);
    // A page that is not seen has its timers once a minute.
    const seconds = Math.max((now - this.#sampledAt) / 1_000, 0.1);
    this.#sampledAt = now;
    this.#counts = [
      ...this.#counts.filter((each) => each.at > at - rateSeconds),
      { at, count: this.#countNow, seconds },
    ];
    this.#countNow = 0;
    this.#latencies = this.#latencies.filter((each) => each.at > now - latencySeconds * 1_000);
    const latest = this.#latencies.map(({ ms }) => ms);
    const { status, isFollowed } = this.#state;
    const count = this.#counts.reduce((sum, each) => sum + each.count, 0);
    const span = this.#counts.reduce((sum, each) => sum + each.seconds, 0);
    const workers = status && [...status.followers, ...status.handlers];
    const worst = (values: number[] | undefined) => values && Math.max(0, ...values);
    const sum = (values: number[] | undefined) => values?.reduce((total, each) => total + each, 0);
    const sample: Sample = {
      ...nothing,
      at,
      rate: isFollowed ? count / span : null,
      median: percentile(latest, 50),
      p99: percentile(latest, 99),
      lagSeconds: worst(workers?.map(({ lag }) => lag.seconds)) ?? null,
      lagEvents: worst(workers?.map(({ lag }) => lag.events)) ?? null,
      deadLetters: sum(workers?.map(({ deadLetters }) => deadLetters)) ?? null,
      retrying: sum(status?.handlers.map(({ retrying }) => retrying)) ?? null,
    };
    this.#set({ samples: keep(this.#state.samples, sample) });
  }

  #askRegularly(signal: AbortSignal): void {
    const ask = async () => {
      if (signal.aborted) return;
      if (document.visibilityState === 'visible') await this.#ask();
      const isRebuilding = this.#state.readModels?.some(({ rebuild }) => isUnderWay(rebuild));
      setTimeout(ask, isRebuilding ? askedDuringRebuildMs : askedEveryMs);
    };
    ask();
  }

  async #ask(): Promise<void> {
    // An answer with errors has the parts that could be read.
    const { data } = await millrace
      .query({ query: WhatIsWell })
      .catch((cause) => ({ data: (cause as MillraceError).data as WhatIsWellQuery | undefined }));
    if (data?.health) this.#set({ health: data.health });
    if (data?.readModels) this.#set({ readModels: data.readModels });
  }

  async #compareClocks(signal: AbortSignal): Promise<void> {
    for (let probe = 0; probe < clockProbes && !signal.aborted; probe += 1) {
      const sentAt = Date.now();
      const { headers } = await fetch('/health/live', {
        method: 'HEAD',
        cache: 'no-store',
        signal,
      });
      const date = Date.parse(headers.get('date') ?? '');
      if (!Number.isNaN(date))
        this.#offset = narrow(this.#offset, { date, sentAt, receivedAt: Date.now() });
      // At other fractions of the second each time.
      await new Promise((resolve) => setTimeout(resolve, 370));
    }
    this.#set({ clockOffset: offsetOf(this.#offset) });
  }

  #set(more: Partial<Monitor>): void {
    this.#state = { ...this.#state, ...more };
    for (const listener of this.#listeners) listener();
  }
}

function empty(): Monitor {
  return {
    samples: [],
    events: [],
    isFollowed: false,
    status: undefined,
    health: undefined,
    readModels: undefined,
    clockOffset: 0,
    failure: undefined,
    statusFailure: undefined,
  };
}

export function hasNothing({ status, events }: Monitor): boolean {
  return !status && events.length === 0;
}

export function isUnderWay(rebuild: ReadModel['rebuild']): boolean {
  return rebuild != null && rebuild.phase !== 'DONE';
}

export const monitor = new Store();

/** What is watched, from now on; the part that `select` names, so that a page draws when that has changed. */
export function useMonitor<Part>(select: (state: Monitor) => Part): Part {
  useEffect(monitor.use, []);
  return useSyncExternalStore(monitor.subscribe, () => select(monitor.get()));
}
