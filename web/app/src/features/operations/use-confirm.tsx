// Asks before what cannot be undone: says what will happen, and has the person type a word where it is final.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { sayFailed } from '../../lib/toasts';

interface Question {
  title: string;
  text: string;
  verb: string;
  /** Typed by whoever means it. */
  word?: string;
  act(): Promise<unknown>;
}

export function useConfirm(): [dialog: ReactNode, ask: (question: Question) => void] {
  const [question, setQuestion] = useState<Question>();
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState('');
  const [isSending, setSending] = useState(false);
  const dialog = (
    <Modal opened={isOpen} onClose={() => setOpen(false)} title={question?.title}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          setSending(true);
          try {
            await question?.act();
            setOpen(false);
          } catch (cause) {
            sayFailed(cause);
          } finally {
            setSending(false);
          }
        }}
      >
        <Stack>
          <Text size="sm">{question?.text}</Text>
          {question?.word && (
            <TextInput
              data-autofocus
              label={`Type “${question.word}” to go on`}
              value={typed}
              onChange={({ currentTarget }) => setTyped(currentTarget.value)}
            />
          )}
          <Group justify="end" gap="xs">
            <Button variant="default" onClick={() => setOpen(false)}>
              Cancel
            </Button>
            <Button
              type="submit"
              color="red"
              loading={isSending}
              disabled={question?.word !== undefined && typed !== question.word}
            >
              {question?.verb}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
  const ask = (next: Question) => {
    setQuestion(next);
    setTyped('');
    setOpen(true);
  };
  return [dialog, ask];
}
