// A chart that moves: lines over the last quarter of an hour, drawn by uPlot, with the values under the pointer.
import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import type { PlotProps } from './chart';
import { windowSeconds } from './samples';

const font = '11px "Inter Variable", system-ui, sans-serif';

export default function Plot({ times, lines, height, point }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const scheme = useComputedColorScheme('light');
  const names = lines.map(({ label, color }) => `${label} ${color}`).join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: lines are told apart by their names and colours; colours are those of the scheme
  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const style = getComputedStyle(element);
    const colorOf = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colorOf('--text-quiet'),
      font,
      grid: { stroke: colorOf('--line'), width: 1 },
      ticks: { show: false },
    };
    const made = new UPlot(
      {
        width: element.clientWidth,
        height,
        padding: [8, 4, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { x: { range: windowOf }, y: { range: (_, __, most) => [0, topOf(most)] } },
        axes: [
          { ...axis, grid: { show: false }, size: 22, space: 56, values: (_, at) => at.map(clock) },
          {
            ...axis,
            size: 34,
            space: 32,
            values: (_, values) => values.map(short),
          },
        ],
        series: [
          {},
          ...lines.map(({ label, color, isFilled }) => ({
            label,
            stroke: colorOf(color),
            width: 1.5,
            points: { show: false },
            ...(isFilled && { fill: `color-mix(in oklch, ${colorOf(color)} 14%, transparent)` }),
          })),
        ],
        hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? undefined)] },
      },
      [times as number[], ...lines.map(({ values }) => values as (number | null)[])],
      element,
    );
    plot.current = made;
    const watcher = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [names, height, scheme]);

  useEffect(() => {
    plot.current?.setData([
      times as number[],
      ...lines.map(({ values }) => values as (number | null)[]),
    ]);
  }, [times, lines]);

  return <div ref={place} />;
}

function windowOf(): [number, number] {
  const now = Math.floor(Date.now() / 1_000);
  return [now - windowSeconds, now];
}

/** A little room above, and a scale that does not jump for the smallest values. */
function topOf(most: number | null): number {
  return Math.max((most ?? 0) * 1.15, 1);
}

/** Without its unit, which stands above. */
function short(value: number): string {
  return value >= 1_000 ? `${value / 1_000}k` : String(value);
}

function clock(at: number): string {
  return new Date(at * 1_000).toLocaleTimeString('en', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}
