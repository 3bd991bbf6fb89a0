import { MantineProvider } from '@mantine/core';
import { act } from 'react';
import { expect, test, vi } from 'vitest';

import { show } from '../lib/testing';
import { useConfirm } from './confirm';

let ask: ReturnType<typeof useConfirm>[1];
function Page() {
  const [dialog, open] = useConfirm();
  ask = open;
  return dialog;
}

test('what cannot be undone is done once, and said when it was refused', async () => {
  const { end } = await show(
    <MantineProvider env="test">
      <Page />
    </MantineProvider>,
  );
  const done = vi.fn(async () => {});
  done.mockRejectedValueOnce(new Error('no'));
  await act(async () => ask({ title: 'Drop it?', text: 'It is gone.', verb: 'Drop', act: done }));
  const form = document.querySelector('form') as HTMLFormElement;
  const submit = () => form.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }));
  await act(async () => submit());
  expect(document.body.textContent).toContain('did not answer');
  await act(async () => {
    submit();
    submit();
  });
  await act(async () => submit());
  expect(done).toHaveBeenCalledTimes(2);
  await end();
});
