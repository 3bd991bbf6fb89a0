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
  for (const [unit, length] of units)
    if (Math.abs(seconds) >= length) return words.format(Math.round(seconds / length), unit);
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
