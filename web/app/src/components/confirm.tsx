// Asks once before something that cannot be undone. `typed` has to be typed first, where the loss would be great.
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type ReactNode, useRef, useState } from 'react';
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

function Confirm({ isOpen, ...props }: Props & { isOpen: boolean }) {
  return (
    <Modal opened={isOpen} onClose={props.close} title={props.title}>
      <Question {...props} />
    </Modal>
  );
}

/** The dialog, to be shown somewhere, and what opens it with a question. */
export function useConfirm(): [
  dialog: ReactNode,
  ask: (question: {
    title: string;
    text: string;
    /** What the button says. */
    verb: string;
    /** Typed by whoever means it. */
    word?: string;
    act(): Promise<unknown>;
  }) => void,
] {
  const [question, setQuestion] = useState<Parameters<ReturnType<typeof useConfirm>[1]>[0]>();
  const [isOpen, setOpen] = useState(false);
  /** Each question begins with nothing typed. */
  const [count, setCount] = useState(0);
  const dialog = question && (
    <Confirm
      key={count}
      isOpen={isOpen}
      title={question.title}
      action={question.verb}
      {...(question.word && { typed: question.word })}
      act={() => question.act()}
      close={() => setOpen(false)}
    >
      {question.text}
    </Confirm>
  );
  return [
    dialog,
    (next) => {
      setQuestion(next);
      setCount(count + 1);
      setOpen(true);
    },
  ];
}

function Question({ action, typed, act, close, children }: Props) {
  const [text, setText] = useState('');
  const [isActing, setActing] = useState(false);
  const [refusal, setRefusal] = useState<string>();
  /** The state of it shows too late: two keys may come before the next picture. */
  const isBusy = useRef(false);
  return (
    <form
      onSubmit={async (event) => {
        event.preventDefault();
        if (isBusy.current) return;
        isBusy.current = true;
        setActing(true);
        try {
          await act();
          // It takes a moment to leave: what is done is not done again.
          close();
        } catch (cause) {
          isBusy.current = false;
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
