// What the charts are drawn from: a sample a second, kept for a quarter of an hour, and what is computed of single events.

export interface Sample {
  /** Seconds since 1970. */
  at: number;
  /** Events a second. */
  rate: number | null;
  /** From commit to this page, in milliseconds. Null when no event came. */
  median: number | null;
  p99: number | null;
  /** Of the consumer that is furthest behind. */
  lagSeconds: number | null;
  lagEvents: number | null;
  deadLetters: number | null;
  retrying: number | null;
}

export const windowSeconds = 15 * 60;

/** Returns the samples with one more, without those that are too old. */
export function keep(samples: readonly Sample[], sample: Sample): Sample[] {
  const from = sample.at - windowSeconds;
  const first = samples.findIndex(({ at }) => at >= from);
  return [...(first < 0 ? [] : samples.slice(first)), sample];
}

/** The value that so many in a hundred do not exceed: one of the values, by the nearest rank. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil((share / 100) * sorted.length) - 1, 0)] as number;
}

/**
 * Rates of the time before the page was opened, from the last position before each of some times, which are as far apart. A
 * position that is not known, as the log does not go back so far, gives none.
 */
export function ratesOf(times: readonly number[], positions: readonly (number | null)[]): Sample[] {
  const samples: Sample[] = [];
  for (let place = 1; place < times.length; place += 1) {
    const [from, to] = [times[place - 1] as number, times[place] as number];
    const [before, after] = [positions[place - 1], positions[place]];
    const isKnown = before != null && after != null;
    const rate = isKnown ? Math.max(after - before, 0) / (to - from) : null;
    samples.push({ ...nothing, at: to, rate });
  }
  return samples;
}

export const nothing: Omit<Sample, 'at'> = {
  rate: null,
  median: null,
  p99: null,
  lagSeconds: null,
  lagEvents: null,
  deadLetters: null,
  retrying: null,
};

/** How far the gateway's clock is ahead of this one, in milliseconds: somewhere from the least to the most. */
export interface Offset {
  least: number;
  most: number;
}

/**
 * Narrows the offset down by one answer. Its `Date` has whole seconds and was written between the request and the answer, so the
 * gateway's clock then showed at least that, and less than a second more.
 */
export function narrow(
  offset: Offset,
  { date, sentAt, receivedAt }: { date: number; sentAt: number; receivedAt: number },
): Offset {
  const least = Math.max(offset.least, date - receivedAt);
  const most = Math.min(offset.most, date + 1_000 - sentAt);
  // A clock was set in between: what was known is not so any more.
  return least <= most
    ? { least, most }
    : { least: date - receivedAt, most: date + 1_000 - sentAt };
}

/** The offset that is taken: none as long as the clocks may agree. */
export function offsetOf({ least, most }: Offset): number {
  if (least <= 0 && most >= 0) return 0;
  return least > 0 ? least : most;
}
