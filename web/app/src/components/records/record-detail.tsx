// A record in its pane: what it is, its state, its fields, and its history beside or below. It is edited in place; a deleted one says so,
// and can be brought back.
import { ActionIcon, Anchor, Button, Menu, Tooltip } from '@mantine/core';
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
import { type Fact, Facts } from './facts';
import type { Fields, Input, Option } from './fields';
import classes from './record-detail.module.css';
import { type Known, RecordEditor } from './record-editor';
import { type HistoryPart, RecordHistory } from './record-history';
import type { Target } from './record-tasks';
import { StateMenu } from './state-menu';

export interface Detailed extends Known {
  id: string;
  name: string;
  status: string;
  createdAt: string;
  createdBy?: Person | null;
  deletedAt?: string | null;
  history?: HistoryPart | null;
}

interface Props<R extends Detailed> {
  noun: 'customer' | 'student';
  fields: Fields;
  /** What its history tells, if that is other than what is typed. */
  told?: Fields;
  statuses: readonly Option[];
  /** What is said of each of its events. */
  verbs: Record<string, string>;
  record: R | null | undefined;
  isLoading: boolean;
  failure: ReturnType<typeof asFailure> | undefined;
  retry: () => void;
  update: (input: Target & Input) => Promise<unknown>;
  /** Returns the version that the record has then. */
  remove: (target: Target) => Promise<number | undefined>;
  restore: (target: Target) => Promise<unknown>;
  /** Reads it again; null when it is not there any more. */
  reload: () => Promise<R | null>;
  /** Reads the history before a cursor. */
  older: (before: string) => Promise<HistoryPart | null | undefined>;
  /** The fields of a record that is not edited. */
  facts: (record: R) => readonly Fact[];
}

export function RecordDetail<R extends Detailed>(props: Props<R>) {
  const { noun, record, failure, isLoading, update } = props;
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
    props.restore({ id: record.id }).then(() => say(`${record.name} is back`), sayFailed);
  };
  const remove = async () => {
    if (!record) return;
    const { id, name } = record;
    try {
      const version = await props.remove({ id });
      sayUndoable(`${name} was deleted`, () =>
        props.restore({ id, ...(version !== undefined && { expectedVersion: version }) }),
      );
    } catch (cause) {
      sayFailed(cause);
    }
  };
  return (
    <Pane
      title={record?.name ?? capital}
      to={`/${noun}s`}
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
                <Menu.Item leftSection={<Copy size={14} />} onClick={copyLink}>
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
                save={(changes, expectedVersion) =>
                  update({ id: record.id, expectedVersion, ...changes })
                }
                reload={props.reload}
                close={() => setEdited(undefined)}
              />
            ) : (
              <>
                <div>
                  <StateMenu
                    options={props.statuses}
                    value={record.status}
                    choose={
                      record.deletedAt
                        ? undefined
                        : (status) => void update({ id: record.id, status }).catch(sayFailed)
                    }
                  />
                </div>
                <Facts facts={[...props.facts(record), ...made(record)]} />
              </>
            )}
          </div>
          <div className={classes.side}>
            {record.history && (
              <RecordHistory
                key={record.id}
                name={noun}
                fields={props.told ?? props.fields}
                verbs={props.verbs}
                newest={record.history}
                older={props.older}
              />
            )}
          </div>
        </div>
      )}
    </Pane>
  );
}

/** A page without TLS has no clipboard, and a browser may keep it from this one. */
function copyLink(): void {
  Promise.resolve(navigator.clipboard?.writeText(location.href) ?? Promise.reject()).then(
    () => say('The link was copied'),
    () => say('The browser does not allow it. The link is in its address bar'),
  );
}

function made({ createdAt, createdBy, updatedAt, updatedBy }: Detailed): readonly Fact[] {
  const told = (at: string, by: Person | null | undefined) => (
    <span className={classes.made}>
      <RelativeTime at={at} />
      {by && <UserName person={by} isLink size={20} />}
    </span>
  );
  const added: Fact = ['Added', told(createdAt, createdBy)];
  return updatedAt === createdAt ? [added] : [added, ['Changed', told(updatedAt, updatedBy)]];
}

/** An address that can be written to, or called. */
export function contact(scheme: 'mailto' | 'tel', address: string | null | undefined): ReactNode {
  return (
    address && (
      <Anchor size="sm" href={`${scheme}:${address}`}>
        {address}
      </Anchor>
    )
  );
}
