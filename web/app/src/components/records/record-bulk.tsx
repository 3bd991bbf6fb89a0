// The actions for selected records: another status, deletion, and for deleted ones to bring them back. Each can be undone.
import { Button, Menu } from '@mantine/core';
import { ArchiveRestore, CircleDot, Trash2 } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { Answer } from '../../lib/bulk';
import { State } from '../state';
import { useBulk } from './bulk';
import type { Option } from './fields';

interface Selectable {
  id: string;
  name: string;
  status: string;
}
type Send<Input> = (rows: Input[]) => Promise<readonly Answer[]>;

interface Props<R extends Selectable> {
  /** "customers" */
  plural: string;
  rows: readonly R[];
  statuses: readonly Option[];
  areDeleted: boolean;
  setStatus: Send<{ id: string; status: R['status'] }>;
  remove: Send<{ id: string }>;
  restore: Send<{ id: string }>;
  select: (ids: ReadonlySet<string>) => void;
}

export function RecordBulk<R extends Selectable>(props: Props<R>) {
  const { plural, rows, statuses } = props;
  const { run, shown, isRunning } = useBulk<R>();
  const said = (count: number) =>
    `${count.toLocaleString('en')} ${count === 1 ? plural.slice(0, -1) : plural}`;
  const ids = (chunk: R[]) => chunk.map(({ id }) => ({ id }));
  const remove = (chunk: R[]) => props.remove(ids(chunk));
  const restore = (chunk: R[]) => props.restore(ids(chunk));
  const act = async (task: Parameters<typeof run>[0]) => {
    const { done } = await run(task);
    // What was refused, and what was not tried, stays selected.
    const ids = new Set(task.rows.map(({ id }) => id));
    for (const { id } of done) ids.delete(id);
    props.select(ids);
  };
  if (isRunning) return shown;
  if (props.areDeleted)
    return (
      <>
        {shown}
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<ArchiveRestore size={14} />}
          onClick={() =>
            act({
              rows,
              doing: 'Restoring',
              done: (count) => `${said(count)} ${count === 1 ? 'is' : 'are'} back`,
              send: restore,
              undo: remove,
            })
          }
        >
          Restore
        </Button>
      </>
    );
  return (
    <>
      {shown}
      <Menu position="top-start">
        <Menu.Target>
          <Button size="compact-sm" variant="default" leftSection={<CircleDot size={14} />}>
            Set the status
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {statuses.map(({ value, label, tone }) => (
            <Menu.Item
              key={value}
              onClick={() =>
                act({
                  rows: rows.filter(({ status }) => status !== value),
                  doing: 'Changing',
                  done: (count) => `${said(count)}: ${label}`,
                  send: (chunk) =>
                    props.setStatus(chunk.map(({ id }) => ({ id, status: value as R['status'] }))),
                  // Each gets back what it had.
                  undo: (chunk) => props.setStatus(chunk.map(({ id, status }) => ({ id, status }))),
                })
              }
            >
              <State tone={tone}>{label}</State>
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<Trash2 size={14} />}
        onClick={() =>
          act({
            rows,
            doing: 'Deleting',
            done: (count) => `${said(count)} ${count === 1 ? 'was' : 'were'} deleted`,
            send: remove,
            undo: restore,
          })
        }
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
