// An edit that meets another: in an open form, and in one whose text was kept over a reload.
import { act } from 'react';
import { beforeEach, expect, test, vi } from 'vitest';

vi.mock('./millrace', () => ({ millrace: { userId: 'ada' } }));
vi.mock('@tanstack/react-router', () => ({ useBlocker: () => {} }));

import { type EditForm, useEditForm } from './edit';
import { show } from './testing';

type Texts = { name: string; bio: string };
const at = (version: number, name: string, bio = 'Writes') => ({ version, values: { name, bio } });
let form: EditForm<Texts>;
function Form({ current }: { current: ReturnType<typeof at> }) {
  form = useEditForm<Texts>(current, { name: 'Name', bio: 'About' }, { draft: 'profile' });
  const { name, bio } = form.values;
  return `${form.base.version} ${name} ${bio} ${form.conflict ? 'conflict' : ''}`.trim();
}
const type = (name: string) => act(async () => form.setFieldValue('name', name));

beforeEach(() => sessionStorage.clear());

test('it follows where nothing was typed, and asks where both typed', async () => {
  const { text, again, end } = await show(<Form current={at(1, 'Ada')} />);
  await again(<Form current={at(2, 'Ada', 'Counts')} />);
  expect([text(), form.isDirty()]).toEqual(['2 Ada Counts', false]);
  await type('Ada L.');
  await again(<Form current={at(3, 'Ada', 'Computes')} />);
  expect(text()).toBe('3 Ada L. Computes');
  await again(<Form current={at(4, 'Ada K.', 'Computes')} />);
  expect(text()).toBe('4 Ada L. Computes conflict');
  expect(form.conflict?.differences).toEqual([{ field: 'Name', mine: 'Ada L.', theirs: 'Ada K.' }]);
  await act(async () => form.conflict?.keepMine());
  expect([text(), form.isDirty()]).toEqual(['4 Ada L. Computes', true]);
  await again(<Form current={at(5, 'Ada M.', 'Computes')} />);
  await act(async () => form.conflict?.takeTheirs());
  expect([text(), form.isDirty()]).toEqual(['5 Ada M. Computes', false]);
  await end();
});

test('a kept edit is one of the version it began from', async () => {
  const before = await show(<Form current={at(1, 'Ada')} />);
  await type('Ada L.');
  await before.end();
  // Somebody saved meanwhile.
  const after = await show(<Form current={at(2, 'Ada K.')} />);
  expect(after.text()).toBe('2 Ada L. Writes conflict');
  await after.end();
  // Nothing was decided, so it is still a conflict.
  const later = await show(<Form current={at(2, 'Ada K.')} />);
  expect(later.text()).toBe('2 Ada L. Writes conflict');
  await act(async () => form.conflict?.keepMine());
  await later.end();
  const last = await show(<Form current={at(2, 'Ada K.')} />);
  expect(last.text()).toBe('2 Ada L. Writes');
  await last.end();
});

test('what oneself has saved is no conflict', async () => {
  const { text, again, end } = await show(<Form current={at(1, 'Ada')} />);
  await type('Ada L. ');
  let answer = () => {};
  const submit = form.send(() => new Promise<void>((resolve) => (answer = resolve)));
  await act(async () => submit());
  await again(<Form current={at(2, 'Ada L.')} />);
  expect(text()).not.toContain('conflict');
  await act(async () => answer());
  expect(text()).toBe('2 Ada L. Writes');
  await end();
});

test('what oneself has saved is no conflict where the gateway writes it in another way', async () => {
  const { text, again, end } = await show(<Form current={at(1, 'ada')} />);
  const save = async (answered: ReturnType<typeof at>, isToldFirst: boolean) => {
    let answer = () => {};
    const submit = form.send(
      () => new Promise<ReturnType<typeof at>>((resolve) => (answer = () => resolve(answered))),
    );
    await act(async () => submit());
    if (isToldFirst) await again(<Form current={answered} />);
    await act(async () => answer());
    await again(<Form current={answered} />);
  };
  await type('Ada_L');
  await save(at(2, 'ada_l'), true);
  expect([text(), form.isDirty()]).toEqual(['2 ada_l Writes', false]);
  await type('ADA_M');
  await save(at(3, 'ada_m'), false);
  expect([text(), form.isDirty()]).toEqual(['3 ada_m Writes', false]);

  // What was typed while it was saved stays.
  let answer = () => {};
  await type('ADA_N');
  const submit = form.send(
    () => new Promise<ReturnType<typeof at>>((resolve) => (answer = () => resolve(at(4, 'ada_n')))),
  );
  await act(async () => submit());
  await act(async () => form.setFieldValue('bio', 'Writes on'));
  await act(async () => answer());
  await again(<Form current={at(4, 'ada_n')} />);
  expect([text(), form.isDirty()]).toEqual(['4 ada_n Writes on', true]);
  // Somebody else's change is one.
  await again(<Form current={at(5, 'ada_n', 'Writes no more')} />);
  expect(text()).toBe('5 ada_n Writes on conflict');
  await end();
});
