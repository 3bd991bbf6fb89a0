// A record while somebody edits it. It knows from what it began: only what was changed since is sent, with the version that was
// seen. When somebody else was first, both versions are shown, and merged field by field; nothing that was typed is lost.
import { Button, Group, Stack } from '@mantine/core';
import { useEffect, useState } from 'react';
import { asFailure } from '../../lib/errors';
import { useServerForm } from '../../lib/form';
import type { Values } from '../../lib/merge';
import { Notice } from '../notice';
import type { Person } from '../user-name';
import { FieldInputs } from './field-inputs';
import { type Fields, type Input, inputOf, problemsOf, textOf, valuesOf } from './fields';
import { MergeDialog } from './merge-dialog';

/** A record at a version. */
export interface Known {
  version: number;
  updatedAt: string;
  updatedBy?: Person | null | undefined;
}

interface Base {
  version: number;
  values: Values;
}

export interface EditorProps<K extends Known> {
  fields: Fields;
  /** As it is now. */
  record: K;
  /** Under which unsent text is kept. */
  draft: string;
  save: (input: Input, expectedVersion: number) => Promise<unknown>;
  /** Reads it again; null when it is not there any more. */
  reload: () => Promise<K | null>;
  close: () => void;
}

export function RecordEditor<K extends Known>(props: EditorProps<K>) {
  const { fields, record, draft, save, reload, close } = props;
  const base = (of: K): Base => ({ version: of.version, values: valuesOf(fields, of) });
  const [now] = useState(() => base(record));
  const form = useServerForm<Record<string, unknown> & { base: Base }>({
    initialValues: { ...now.values, base: now },
    validate: (values) => problemsOf(fields, values as Values),
    draft,
    guard: true,
  });
  const [theirs, setTheirs] = useState<K>();
  const isDirty = form.isDirty();
  // biome-ignore lint/correctness/useExhaustiveDependencies: as long as nothing was typed, the form follows the record
  useEffect(() => {
    // Not `isDirty`, which is from before a draft was taken up: that began from a version of its own.
    if (form.isDirty() || form.isSending || record.version <= form.getValues().base.version) return;
    const next = base(record);
    form.setInitialValues({ ...next.values, base: next });
    form.setValues({ ...next.values, base: next });
  }, [record.version, isDirty]);

  const submit = form.send(async (sent) => {
    const values = valuesOf(fields, sent);
    const input = inputOf(fields, values, sent.base.values);
    try {
      if (Object.keys(input).length > 0) await save(input, sent.base.version);
    } catch (cause) {
      const failure = asFailure(cause as Error);
      if (failure.code === 'CONFLICT' && 'currentVersion' in (failure.errors[0]?.extensions ?? {}))
        setTheirs((await reload()) ?? undefined);
      throw failure;
    }
    close();
  });

  const own = form.getValues();
  const isOld = isDirty && !form.isSending && record.version > own.base.version;
  return (
    <form noValidate onSubmit={submit} aria-label="Edit">
      <Stack>
        {isOld && (
          <Notice
            tone="warn"
            title={`${record.updatedBy?.name ?? 'Somebody'} changed this, too`}
            action={
              <Button size="compact-sm" variant="default" onClick={() => setTheirs(record)}>
                Compare
              </Button>
            }
          >
            {changedFields(fields, own.base.values, valuesOf(fields, record))}
          </Notice>
        )}
        {form.refusal && !isOld && !theirs && <Notice tone="bad">{form.refusal}</Notice>}
        <FieldInputs fields={fields} form={form} />
        <Group justify="flex-end">
          <Button
            variant="default"
            onClick={() => {
              form.discard();
              close();
            }}
          >
            {isDirty ? 'Discard' : 'Cancel'}
          </Button>
          <Button type="submit" loading={form.isSending} disabled={!isDirty}>
            Save
          </Button>
        </Group>
      </Stack>
      {theirs && (
        <MergeDialog
          fields={fields}
          base={own.base.values}
          mine={valuesOf(fields, own)}
          theirs={theirs}
          close={() => setTheirs(undefined)}
          save={(values) => {
            form.setValues({ ...values, base: base(theirs) });
            setTheirs(undefined);
            submit();
          }}
        />
      )}
    </form>
  );
}

function changedFields(fields: Fields, before: Values, after: Values): string {
  const changed = fields.filter(({ key }) => before[key] !== after[key]);
  return changed
    .map((field) => `${field.label}: ${textOf(field, after[field.key] ?? '') || 'removed'}`)
    .join(', ');
}
