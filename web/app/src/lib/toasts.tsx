// Short news at the edge. What can be undone says so, for ten seconds.
import { Button, Group, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { asFailure, explain } from './errors';

const undoMs = 10_000;
const readMs = 5_000;

export function say(message: string): void {
  notifications.show({ message, autoClose: readMs });
}

export function sayFailed(cause: unknown): void {
  const failure = asFailure(cause as Error);
  notifications.show({ message: explain(failure), color: 'red', autoClose: undoMs });
}

/**
 * Says what was done, and offers to undo it, once. `undo` takes back that alone: where somebody may have gone on from there, it
 * names the version that was made, so that it is refused then.
 */
export function sayUndoable(message: string, undo: () => Promise<unknown>): void {
  let isUndone = false;
  const id = notifications.show({
    autoClose: undoMs,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() => {
            notifications.hide(id);
            // It takes a moment to leave.
            if (isUndone) return;
            isUndone = true;
            undo().catch(sayFailed);
          }}
        >
          Undo
        </Button>
      </Group>
    ),
  });
}
