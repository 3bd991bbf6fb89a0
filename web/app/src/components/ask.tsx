// Asks whether something is meant that cannot be undone, and does it once, however often the answer is pressed.
import { Text } from '@mantine/core';
import { modals } from '@mantine/modals';

export function ask({
  title,
  text,
  confirm,
  cancel = 'Keep it',
  act,
}: {
  title: string;
  text: string;
  /** A verb. */
  confirm: string;
  cancel?: string;
  act: () => void;
}): void {
  let isGiven = false;
  modals.openConfirmModal({
    title,
    children: <Text size="sm">{text}</Text>,
    labels: { confirm, cancel },
    confirmProps: { color: 'red' },
    onConfirm: () => {
      // The dialog takes a moment to leave, and its button has the focus until then.
      if (!isGiven) act();
      isGiven = true;
    },
  });
}
