// biome-ignore-all lint/a11y/useSemanticElements: rows are placed by transforms, which the elements of tables do not allow
// biome-ignore-all lint/a11y/useFocusableInteractive: what is focused in a row is its link
// One row of a RecordTable. It is drawn again only when something of its own changed, so that scrolling costs the rows that enter.
import { memo, type ReactNode } from 'react';
import type { Change, Row } from '../lib/list';
import classes from './record-table.module.css';
import { Tick } from './record-table-selection';

export interface Column<R> {
  key: string;
  header: string;
  /** A track of a CSS grid. */
  width?: string;
  /** The field of the order that a click on the header gives. */
  sort?: string;
  /** Numbers and times stand at the right. */
  isNumber?: boolean;
  /** Left out where there is little room: on phones, and beside a pane. */
  isWide?: boolean;
  /** Left out on phones, where a card has room for four. */
  isOffCard?: boolean;
  cell(row: R): ReactNode;
}

interface Props {
  row: Row;
  index: number;
  start: number;
  size: number;
  isPhone: boolean;
  columns: readonly Column<Row>[];
  change: Change | undefined;
  isOpen: boolean;
  isSelected: boolean;
  toggle: ((index: number, isRange: boolean) => void) | undefined;
  open: (row: Row) => void;
}

export const RecordRow = memo(function RecordRow(props: Props) {
  const { row, index, start, size, isPhone, columns, change, isOpen, isSelected, toggle } = props;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the link in the first cell is for the keyboard
    <div
      role="row"
      aria-rowindex={index + 1}
      className={isPhone ? classes.card : classes.row}
      style={{ transform: `translateY(${start}px)`, height: size }}
      data-changed={change !== undefined || undefined}
      data-open={isOpen || undefined}
      data-selected={isSelected || undefined}
      title={change && `Changed by ${change.actor.name}`}
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest('a, button, input, label')) props.open(row);
      }}
    >
      {toggle && (
        <span role="cell" className={classes.check}>
          <Tick
            label={`Select row ${index + 1}`}
            isChecked={isSelected}
            toggle={(isRange) => toggle(index, isRange)}
          />
        </span>
      )}
      {columns.map((column) => (
        <span
          role="cell"
          key={column.key}
          className={classes.cell}
          data-number={column.isNumber || undefined}
        >
          {column.cell(row)}
        </span>
      ))}
    </div>
  );
});
