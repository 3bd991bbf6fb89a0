// Forms as people use them: a key too many, another person after the first, and text that outlives the page.
import { act } from 'react';
import { beforeEach, expect, test, vi } from 'vitest';

const played = vi.hoisted(() => ({ userId: 'ada' as string | undefined }));
vi.mock('./millrace', () => ({ millrace: played }));
vi.mock('@tanstack/react-router', () => ({ useBlocker: () => {} }));

import { type ServerForm, useServerForm } from './form';
import { show } from './testing';

type Values = { text: string };
let form: ServerForm<Values>;
function Form({ draft = 'note' }: { draft?: string }) {
  form = useServerForm<Values>({ draft, initialValues: { text: '' } });
  return form.values.text;
}
const type = (text: string) => act(async () => form.setValues({ text }));

beforeEach(() => {
  sessionStorage.clear();
  played.userId = 'ada';
});

test('two keys send once', async () => {
  const { end } = await show(<Form />);
  await type('hello');
  const sent: string[] = [];
  let answer = () => {};
  const submit = form.send(
    async ({ text }) => {
      sent.push(text);
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
    },
    { isCleared: true },
  );
  await act(async () => {
    submit();
    submit();
  });
  await act(async () => answer());
  expect(sent).toEqual(['hello']);
  expect([form.values.text, form.isDirty()]).toEqual(['', false]);
  // The next text is another matter.
  await type('again');
  await act(async () => submit());
  expect(sent).toEqual(['hello', 'again']);
  // What is typed while it is on its way stays.
  await type('again, and more');
  await act(async () => answer());
  expect(form.values.text).toBe('again, and more');
  await end();
  // A reload has it, too.
  const next = await show(<Form />);
  expect(next.text()).toBe('again, and more');
  await act(async () => submit());
  await act(async () => answer());
  await next.end();
});

test('what was typed is kept, for who typed it', async () => {
  const first = await show(<Form />);
  await type('of Ada');
  await first.end();
  played.userId = 'grace';
  const second = await show(<Form />);
  expect(second.text()).toBe('');
  await second.end();
  played.userId = 'ada';
  const third = await show(<Form />);
  expect(third.text()).toBe('of Ada');
  // Her session ends by itself; what she types until she signs in again is hers.
  played.userId = undefined;
  await type('of Ada, still');
  await third.end();
  played.userId = 'ada';
  const fourth = await show(<Form />);
  expect(fourth.text()).toBe('of Ada, still');
  await fourth.end();
});
