// A form whose text outlives the page, and whose fields show what the gateway says of them.
import { type UseFormInput, type UseFormReturnType, useForm } from '@mantine/form';
import { useBlocker } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { asFailure, explain } from './errors';

export interface ServerForm<Values> extends UseFormReturnType<Values> {
  /** What was refused and belongs to no field. */
  refusal: string | undefined;
  isSending: boolean;
  /** For `onSubmit`: sends the values; violations go to the fields they name. */
  send: (
    handler: (values: Values) => Promise<unknown>,
  ) => (event?: React.FormEvent<HTMLFormElement>) => void;
  /** Forgets what was typed, also what was kept of it. */
  discard: () => void;
}

const keyOf = (draft: string) => `millrace:draft:${draft}`;

/** Whether unsent text is kept under this name. */
export function hasDraft(draft: string): boolean {
  return read(keyOf(draft)) !== null;
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
  const key = draft && keyOf(draft);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a draft is read when the form is opened
  useEffect(() => {
    const kept = key && read(key);
    if (kept) form.setValues(kept as Partial<Values>);
  }, [key]);
  const isDirty = form.isDirty();
  const { values } = form;
  useEffect(() => {
    if (!key) return;
    if (isDirty) sessionStorage.setItem(key, JSON.stringify(values));
    else sessionStorage.removeItem(key);
  }, [key, isDirty, values]);
  useBlocker({
    // Another filter beside the form is no way out of it.
    shouldBlockFn: ({ current, next }) =>
      current.pathname !== next.pathname &&
      !window.confirm('What you typed is not saved yet. Leave it?'),
    disabled: !guard || !isDirty || isSending,
    enableBeforeUnload: guard && isDirty && !isSending,
  });

  const send: ServerForm<Values>['send'] = (handler) =>
    form.onSubmit(async (sent) => {
      setSending(true);
      setRefusal(undefined);
      try {
        await handler(sent as Values);
        if (key) sessionStorage.removeItem(key);
        form.resetDirty(sent as Values);
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
        setSending(false);
      }
    });
  const discard = () => {
    if (key) sessionStorage.removeItem(key);
    form.reset();
    setRefusal(undefined);
  };
  return { ...form, refusal, isSending, send, discard };
}

function read(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}
