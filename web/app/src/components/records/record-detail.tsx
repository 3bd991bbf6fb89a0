// A record in its pane: what it is, its state, its fields, and its history beside or below. It is edited in place; a deleted one says so,
// and can be brought back.
import { ActionIcon, Button, Menu, Tooltip } from '@mantine/core';
import { ArchiveRestore, Copy, Ellipsis, Pencil, SearchX, Trash2 } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import type { asFailure } from '../../lib/errors';
import { hasDraft } from '../../lib/form';
import { useKey } from '../../lib/key';
import { useSession } from '../../lib/session';
import { say, sayFailed, sayUndoable } from '../../lib/toasts';
import { EmptyState } from '../empty-state';
import { Failed } from '../failed';
import { Notice } from '../notice';
import { Lines, Pane } from '../page';
import { RelativeTime } from '../relative-time';
import { type Person, UserName } from '../user-name';
import type { Fields, Input } from './fields';
import classes from './record-detail.module.css';
import { type Known, RecordEditor } from './record-editor';

export interface Detailed extends Known {
  id: string;
  name: string;
  createdAt: string;
  createdBy?: Person | null;
  deletedAt?: string | null;
}

interface Props<R extends Detailed> {
  noun: string;
  /** Where the list is. */
  to: string;
  fields: Fields;
  record: R | null | undefined;
  isLoading: boolean;
  failure: ReturnType<typeof asFailure> | undefined;
  retry: () => void;
  save: (input: Input, expectedVersion: number) => Promise<unknown>;
  reload: () => Promise<R | null>;
  remove: (record: R) => Promise<unknown>;
  restore: (record: R) => Promise<unknown>;
  /** The fields of a record that is not edited. */
  facts: (record: R) => readonly [label: string, value: ReactNode][];
  state: (record: R) => ReactNode;
  history: (record: R) => ReactNode;
}

export function RecordDetail<R extends Detailed>(props: Props<R>) {
  const { noun, to, record, failure, isLoading } = props;
  const { me } = useSession();
  const draft = `${me?.id}:${record?.id}`;
  const [edited, setEdited] = useState<string>();
  // What was typed before a reload, or before somebody left, is taken up again.
  useEffect(() => {
    if (hasDraft(draft)) setEdited(draft);
  }, [draft]);
  const isEditing = record != null && !record.deletedAt && edited === draft;
  const edit = () => setEdited(draft);
  useKey('e', record && !record.deletedAt && !isEditing ? edit : undefined);
  const capital = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;

  const restore = () => {
    if (!record) return;
    props.restore(record).then(() => say(`${record.name} is back`), sayFailed);
  };
  const remove = () => {
    if (!record) return;
    props
      .remove(record)
      .then(
        () => sayUndoable(`${record.name} was deleted`, () => props.restore(record)),
        sayFailed,
      );
  };
  return (
    <Pane
      title={record?.name ?? capital}
      to={to}
      actions={
        record &&
        !record.deletedAt && (
          <>
            {!isEditing && (
              <Tooltip label="Edit (e)">
                <ActionIcon onClick={edit} aria-label="Edit">
                  <Pencil size={16} />
                </ActionIcon>
              </Tooltip>
            )}
            <Menu position="bottom-end">
              <Menu.Target>
                <ActionIcon aria-label="More actions">
                  <Ellipsis size={16} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item
                  leftSection={<Copy size={14} />}
                  onClick={() =>
                    navigator.clipboard
                      .writeText(location.href)
                      .then(() => say('The link was copied'), sayFailed)
                  }
                >
                  Copy the link
                </Menu.Item>
                <Menu.Item color="red" leftSection={<Trash2 size={14} />} onClick={remove}>
                  Delete
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      {failure && !record && <Failed error={failure} retry={props.retry} />}
      {isLoading && !failure && !record && <Lines />}
      {record === null && (
        <EmptyState icon={SearchX} title={`There is no such ${noun}`}>
          The address may be mistyped.
        </EmptyState>
      )}
      {record && (
        <div className={classes.detail}>
          <div className={classes.main}>
            {record.deletedAt && (
              <Notice
                tone="bad"
                title={`This ${noun} was deleted`}
                action={
                  <Button
                    size="compact-sm"
                    variant="default"
                    leftSection={<ArchiveRestore size={14} />}
                    onClick={restore}
                  >
                    Restore
                  </Button>
                }
              >
                {record.updatedBy?.name ?? 'Somebody'}, <RelativeTime at={record.deletedAt} />
              </Notice>
            )}
            {isEditing ? (
              <RecordEditor
                key={draft}
                fields={props.fields}
                record={record}
                draft={draft}
                save={props.save}
                reload={props.reload}
                close={() => setEdited(undefined)}
              />
            ) : (
              <>
                <div>{props.state(record)}</div>
                <Facts facts={[...props.facts(record), ...made(record)]} />
              </>
            )}
          </div>
          <div className={classes.side}>{props.history(record)}</div>
        </div>
      )}
    </Pane>
  );
}

function made({
  createdAt,
  createdBy,
  updatedAt,
  updatedBy,
}: Detailed): [label: string, value: ReactNode][] {
  const told = (at: string, by: Person | null | undefined) => (
    <span className={classes.made}>
      <RelativeTime at={at} />
      {by && <UserName person={by} isLink size={20} />}
    </span>
  );
  return [
    ['Added', told(createdAt, createdBy)],
    ...(updatedAt === createdAt
      ? []
      : ([['Changed', told(updatedAt, updatedBy)]] as [string, ReactNode][])),
  ];
}

/** What is known, in two columns. */
export function Facts({ facts }: { facts: readonly [label: string, value: ReactNode][] }) {
  return (
    <dl className={classes.facts}>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value ?? <span className="quiet">–</span>}</dd>
        </div>
      ))}
    </dl>
  );
}
