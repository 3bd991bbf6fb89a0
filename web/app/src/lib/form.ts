// A form whose text outlives the page, and whose fields show what the gateway says of them.
import { type UseFormInput, type UseFormReturnType, useForm } from '@mantine/form';
import { useBlocker } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { keepDraft, readDraft } from './drafts';
import { asFailure, explain } from './errors';

export interface ServerForm<Values> extends UseFormReturnType<Values> {
  /** What was refused and belongs to no field. */
  refusal: string | undefined;
  isSending: boolean;
  /** For `onSubmit`: sends the values, once until that is answered; violations go to the fields they name. */
  send: (
    handler: (values: Values) => Promise<unknown>,
    /**
     * `isCleared`: begins anew once they are sent, unless somebody has typed on. `begin` makes what was sent that from which the
     * form goes on, by what the handler returned.
     */
    options?: { isCleared?: boolean; begin?: (answered: unknown, sent: Values) => void },
  ) => (event?: React.FormEvent<HTMLFormElement>) => void;
  /** Forgets what was typed, also what was kept of it. */
  discard: () => void;
}

/** Whether unsent text of this person is kept under this name. */
export function hasDraft(draft: string): boolean {
  return readDraft(draft) !== undefined;
}

/**
 * `draft` names where unsent text is kept, in this tab, until it was sent: a reload or a session that ended does not lose it.
 * Leave it out where there are secrets. `guard` asks once before unsent text is left.
 */
export function useServerForm<Values extends Record<string, unknown>>(
  input: UseFormInput<Values> & { draft?: string; guard?: boolean },
): ServerForm<Values> {
  const { draft, guard = false, ...rest } = input;
  const form = useForm<Values>(rest);
  const [refusal, setRefusal] = useState<string>();
  const [isSending, setSending] = useState(false);
  /** The state of it shows too late: two keys may come before the next picture. */
  const isBusy = useRef(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a draft is read when the form is opened
  useEffect(() => {
    const kept = draft && readDraft(draft);
    if (kept) form.setValues(kept as Partial<Values>);
  }, [draft]);
  const isDirty = form.isDirty();
  const { values } = form;
  useEffect(() => {
    if (draft) keepDraft(draft, isDirty ? values : undefined);
  }, [draft, isDirty, values]);
  useBlocker({
    // Another filter beside the form is no way out of it.
    shouldBlockFn: ({ current, next }) =>
      current.pathname !== next.pathname &&
      !window.confirm('What you typed is not saved yet. Leave it?'),
    disabled: !guard || !isDirty || isSending,
    enableBeforeUnload: guard && isDirty && !isSending,
  });

  const send: ServerForm<Values>['send'] = (
    handler,
    { isCleared = false, begin = (_: unknown, sent: Values) => form.resetDirty(sent) } = {},
  ) =>
    form.onSubmit(async (sent) => {
      if (isBusy.current) return;
      isBusy.current = true;
      setSending(true);
      setRefusal(undefined);
      try {
        const answered = await handler(sent as Values);
        const isUntouched = JSON.stringify(form.getValues()) === JSON.stringify(sent);
        // What was typed meanwhile is kept already.
        if (draft && isUntouched) keepDraft(draft, undefined);
        if (!isCleared) begin(answered, sent as Values);
        else if (isUntouched) form.reset();
      } catch (cause) {
        const failure = asFailure(cause as Error);
        const field = failure.errors[0]?.extensions?.field;
        // A field of an embedded object is named by its path, such as `address.lines.0`.
        const own = (path: string) =>
          path.split('.').findLast((part) => part in form.getValues()) ?? path;
        const named = failure.violations.map(
          ({ field, message }) => [own(field), message] as const,
        );
        if (typeof field === 'string') named.push([field, failure.message]);
        const known = named.filter(([name]) => name in form.getValues());
        if (known.length > 0) form.setErrors(Object.fromEntries(known));
        if (known.length < named.length || named.length === 0) setRefusal(explain(failure));
      } finally {
        isBusy.current = false;
        setSending(false);
      }
    });
  const discard = () => {
    if (draft) keepDraft(draft, undefined);
    form.reset();
    setRefusal(undefined);
  };
  return { ...form, refusal, isSending, send, discard };
}
