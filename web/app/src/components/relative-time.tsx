// A time as people say it, with the exact one on hover.
import { useEffect, useState } from 'react';

const units = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const;
const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function relative(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1_000;
  for (const [unit, length] of units) {
    const count = seconds / length;
    // Whole hours and minutes: what is called 60 minutes is an hour.
    const round = length < 86_400 ? Math.trunc : Math.round;
    if (Math.abs(count) >= 1) return words.format(round(count), unit);
  }
  return 'just now';
}

/** All of them move on together, twice a minute. */
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

export function RelativeTime({ at }: { at: string }) {
  const [, setTick] = useState(0);
  useEffect(() => {
    const listener = () => setTick((count) => count + 1);
    listeners.add(listener);
    timer ??= setInterval(() => {
      for (const each of listeners) each();
    }, 30_000);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, []);
  return (
    <time dateTime={at} title={exact.format(new Date(at))} className="numbers">
      {relative(at)}
    </time>
  );
}
