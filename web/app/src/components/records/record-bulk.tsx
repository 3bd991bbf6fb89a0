// The actions for selected records: another status, deletion, and for deleted ones to bring them back. Each can be undone.
import { Button, Menu } from '@mantine/core';
import { ArchiveRestore, CircleDot, Trash2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import { State } from '../state';
import type { Bulk, BulkTask } from './bulk';
import type { Option } from './fields';
import { type Actions, changing, removing, restoring, type Versioned } from './record-tasks';

interface Props<R extends Versioned> {
  bulk: Bulk<R>;
  /** "customer" */
  noun: string;
  rows: readonly R[];
  statuses: readonly Option[];
  areDeleted: boolean;
  actions: Actions<R>;
  select: (ids: ReadonlySet<string>) => void;
}

export function RecordBulk<R extends Versioned>(props: Props<R>) {
  const { noun, rows, statuses, actions } = props;
  const act = async (task: BulkTask<R>) => {
    const { done } = await props.bulk.run(task);
    // What was refused, and what was not tried, stays selected.
    const ids = new Set(task.rows.map(({ id }) => id));
    for (const { row } of done) ids.delete(row.id);
    props.select(ids);
  };
  if (props.areDeleted)
    return (
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<ArchiveRestore size={14} />}
        onClick={() => act(restoring(noun, rows, actions))}
      >
        Restore
      </Button>
    );
  return (
    <>
      <Menu position="top-start">
        <Menu.Target>
          <Button size="compact-sm" variant="default" leftSection={<CircleDot size={14} />}>
            Set the status
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {statuses.map((status) => (
            <Menu.Item
              key={status.value}
              onClick={() => act(changing(noun, rows, status, actions))}
            >
              <State tone={status.tone}>{status.label}</State>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Trash2 size={14} />}
        onClick={() => act(removing(noun, rows, actions))}
      >
        Delete
      </Button>
    </>
  );
}

/** Which rows are selected; one that left the list is not any more. */
export function useSelection<R extends { id: string }>(rows: readonly R[]) {
  const [wanted, select] = useState<ReadonlySet<string>>(new Set());
  return useMemo(() => {
    const selected = wanted.size > 0 ? rows.filter(({ id }) => wanted.has(id)) : [];
    return { selected, selection: new Set(selected.map(({ id }) => id)), select };
  }, [rows, wanted]);
}
