// A table of a few rows; on phones each row is a card in which cells have the names of their columns.
import { VisuallyHidden } from '@mantine/core';
import { Children, cloneElement, isValidElement, type ReactElement, type ReactNode } from 'react';
import classes from './operations.module.css';

export interface Heading {
  label: string;
  isNumber?: boolean;
  /** Has no word of its own, such as that of actions. */
  isHidden?: boolean;
}

export function SmallTable({
  label,
  headings,
  children,
}: {
  label: string;
  headings: readonly Heading[];
  /** Rows. */
  children: ReactNode;
}) {
  return (
    <div
      className={`${classes.tableWrap} ${classes.card}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by the keyboard
      tabIndex={0}
    >
      <table className={classes.table} aria-label={label}>
        <thead>
          <tr>
            {headings.map(({ label, isNumber, isHidden }) => (
              <th key={label} scope="col" data-number={isNumber || undefined}>
                {isHidden ? <VisuallyHidden>{label}</VisuallyHidden> : label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Its cells are named after the headings. */
export function TableRow({
  headings,
  id,
  isNamed = false,
  children,
}: {
  headings: readonly Heading[];
  id?: string;
  isNamed?: boolean;
  children: ReactNode;
}) {
  const cells = Children.toArray(children).filter(isValidElement) as ReactElement<object>[];
  return (
    <tr id={id} className={isNamed ? classes.named : undefined}>
      {cells.map((cell, place) =>
        cloneElement(cell, {
          'data-label': headings[place]?.isHidden ? '' : headings[place]?.label,
          'data-number': headings[place]?.isNumber || undefined,
        } as object),
      )}
    </tr>
  );
}
