// A chart in the place that it will take; what draws it is loaded when the first one is shown.
import { lazy, Suspense, useMemo, useState } from 'react';
import { useMonitor } from './monitor';
import classes from './operations.module.css';
import type { Sample } from './samples';

const Plot = lazy(() => import('./plot'));
const height = 132;

export interface PlotProps {
  times: readonly number[];
  lines: readonly PlotLine[];
  height: number;
  /** The place under the pointer, or none. */
  point(index: number | undefined): void;
}

export interface PlotLine {
  label: string;
  /** The name of a variable of tokens.css. */
  color: string;
  isFilled?: boolean;
  values: readonly (number | null)[];
}

export interface Line {
  label: string;
  color: string;
  isFilled?: boolean;
  value(sample: Sample): number | null;
}

export function Chart({
  label,
  lines,
  format,
}: {
  label: string;
  lines: readonly Line[];
  format(value: number): string;
}) {
  const samples = useMonitor((state) => state.samples);
  const [pointed, point] = useState<number>();
  const times = useMemo(() => samples.map(({ at }) => at), [samples]);
  const drawn = useMemo(
    () => lines.map(({ value, ...line }) => ({ ...line, values: samples.map(value) })),
    [samples, lines],
  );
  const shown = samples[pointed ?? samples.length - 1];
  const said = lines.map(({ label, value, color }) => {
    const number = shown && value(shown);
    return { label, color, text: number == null ? '–' : format(number) };
  });
  return (
    <>
      <div className={classes.note}>
        {pointed !== undefined && shown && (
          <span>
            {new Date(shown.at * 1_000).toLocaleTimeString('en', { hourCycle: 'h23' })} ·{' '}
          </span>
        )}
        {said.map(({ label, color, text }, place) => (
          <span key={label}>
            {place > 0 && ' · '}
            <span style={{ color: `var(${color})` }} aria-hidden>
              ●
            </span>{' '}
            {label} {text}
          </span>
        ))}
      </div>
      <div className={classes.plot} role="img" aria-label={`${label} over the last 15 minutes`}>
        <Suspense>
          <Plot times={times} lines={drawn} height={height} point={point} />
        </Suspense>
      </div>
    </>
  );
}
