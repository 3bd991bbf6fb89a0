// A line through a few values, as high as they differ.
import classes from './sources.module.css';

const [width, height, edge] = [142, 32, 3];

export function pointsOf(values: readonly number[]): [number, number][] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value, place) => [
    values.length === 1 ? width - edge : edge + (place / (values.length - 1)) * (width - 2 * edge),
    high === low
      ? height / 2
      : // By halves, as the difference of the largest numbers is none.
        height - edge - ((value / 2 - low / 2) / (high / 2 - low / 2)) * (height - 2 * edge),
  ]);
}

export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const points = pointsOf(values);
  const last = points.at(-1);
  const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={label}
    >
      {points.length > 1 && (
        <>
          <polygon
            className={classes.area}
            points={`${edge},${height} ${line} ${width - edge},${height}`}
          />
          <polyline className={classes.line} points={line} />
        </>
      )}
      {last && <circle className={classes.last} cx={last[0]} cy={last[1]} r={2.5} />}
    </svg>
  );
}
