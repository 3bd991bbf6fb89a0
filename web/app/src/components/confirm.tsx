// Asks once before something that cannot be undone. `typed` has to be typed first, where the loss would be great.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { asFailure, explain } from '../lib/errors';
import { Notice } from './notice';

interface Props {
  title: string;
  /** A verb. */
  action: string;
  typed?: string;
  act: () => Promise<unknown>;
  close: () => void;
  children: ReactNode;
}

export function Confirm({ isOpen, ...props }: Props & { isOpen: boolean }) {
  return (
    <Modal opened={isOpen} onClose={props.close} title={props.title}>
      <Question {...props} />
    </Modal>
  );
}

function Question({ action, typed, act, close, children }: Props) {
  const [text, setText] = useState('');
  const [isActing, setActing] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  return (
    <form
      onSubmit={async (event) => {
        event.preventDefault();
        setActing(true);
        try {
          await act();
          close();
        } catch (cause) {
          setRefusal(explain(asFailure(cause as Error)));
        } finally {
          setActing(false);
        }
      }}
    >
      <Stack>
        {refusal && <Notice tone="bad">{refusal}</Notice>}
        <Text size="sm">{children}</Text>
        {typed !== undefined && (
          <TextInput
            data-autofocus
            label={`Type “${typed}” to go on`}
            autoComplete="off"
            value={text}
            onChange={({ currentTarget }) => setText(currentTarget.value)}
          />
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            type="submit"
            color="red.9"
            loading={isActing}
            disabled={typed !== undefined && text.trim() !== typed.trim()}
          >
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
