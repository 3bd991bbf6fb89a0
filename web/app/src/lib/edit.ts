// A form over an object that others may change: it follows them where one has not typed, and shows a conflict where both did.
// Whoever can sends `base.version`, so that nothing is overwritten unseen.
//
// Once it is saved it begins from what was answered: the gateway may write a text in another way than it was typed, and that is not
// somebody else's change.
//
// What it began from is a part of its values, so a draft that is kept has it, too: after a reload it is no edit of the newest. A
// field in conflict keeps what it began from until somebody has decided.
import { useEffect } from 'react';
import type { Difference } from '../components/conflict';
import { type ServerForm, useServerForm } from './form';
import { differences, merged, type Values } from './merge';

export interface Known<Texts> {
  version: number;
  values: Texts;
}

export interface EditForm<Texts> extends Omit<ServerForm<Texts>, 'send'> {
  /** The handler returns what was answered, if the form stays open. */
  send: (
    handler: (values: Texts) => Promise<Known<Texts> | undefined> | Promise<void>,
  ) => ReturnType<ServerForm<Texts>['send']>;
  /** What it began from. The version is to be sent as `expectedVersion`. */
  base: Known<Texts>;
  /** What `Conflict` shows; undefined without one. */
  conflict: { differences: Difference[]; keepMine: () => void; takeTheirs: () => void } | undefined;
}

type Form = ServerForm<Record<string, unknown>>;

export function useEditForm<Texts extends Values>(
  current: Known<Texts>,
  labels: Record<keyof Texts, string>,
  options: { draft?: string; guard?: boolean } = {},
): EditForm<Texts> {
  const form: Form = useServerForm<Record<string, unknown>>({
    initialValues: { ...current.values, base: current },
    ...options,
  });
  const base = baseOf(form) ?? current;
  const { version, values: theirs } = current;
  const fields = Object.keys(theirs);
  /** Mine, and theirs where they differ by blanks at the ends alone, which the gateway takes away. */
  const mine = (): Values => {
    const typed = form.getValues() as Values;
    return Object.fromEntries(
      fields.map((field) => {
        const [own = '', now = ''] = [typed[field], theirs[field]];
        return [field, own.trim() === now ? now : own];
      }),
    );
  };
  const begin = (values: Values, from: Values) => {
    const clean = { ...theirs, base: { version, values: from } };
    form.setInitialValues(clean);
    form.resetDirty(clean);
    form.setValues({ ...clean, ...values });
  };
  const saved = (answered: unknown, sent: Record<string, unknown>) => {
    if (!answered) return form.resetDirty(sent);
    const from = answered as Known<Values>;
    const clean = { ...from.values, base: from };
    const typed = Object.entries(form.getValues()).filter(
      ([field, value]) => field !== 'base' && value !== sent[field],
    );
    form.setInitialValues(clean);
    form.resetDirty(clean);
    form.setValues({ ...clean, ...Object.fromEntries(typed) });
  };
  const isNewer = version > base.version && !form.isSending;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version is what it is about
  useEffect(() => {
    if (!isNewer) return;
    const found = differences(base.values, mine(), theirs);
    const open = found.filter(({ side }) => side === undefined);
    const own = found.map((each) => ({ ...each, side: each.side ?? ('mine' as const) }));
    begin(merged(theirs, own), {
      ...theirs,
      ...Object.fromEntries(open.map(({ key, base }) => [key, base])),
    });
  }, [isNewer, version]);
  const open = form.isSending
    ? []
    : differences(base.values, mine(), theirs).filter(({ side }) => side === undefined);
  const conflict = open.length > 0 && {
    differences: open.map(({ key, mine, theirs }) => ({
      field: labels[key as keyof Texts],
      mine,
      theirs,
    })),
    keepMine: () => begin(mine(), theirs),
    takeTheirs: () =>
      begin(
        { ...mine(), ...Object.fromEntries(open.map(({ key, theirs }) => [key, theirs])) },
        theirs,
      ),
  };
  return {
    ...(form as unknown as ServerForm<Texts>),
    send: (handler) => form.send((values) => handler(values as Texts), { begin: saved }),
    base: base as Known<Texts>,
    conflict: conflict || undefined,
  };
}

/** A draft may be what another version of the app has left. */
function baseOf(form: Form): Known<Values> | undefined {
  const base = form.getValues().base as Partial<Known<Values>> | undefined;
  return typeof base?.version === 'number' && typeof base.values === 'object'
    ? (base as Known<Values>)
    : undefined;
}
