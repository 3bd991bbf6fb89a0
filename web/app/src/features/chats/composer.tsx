// Where a message is written: it grows with its text, keeps it as a draft of its chat, and sends with Enter.
import { ActionIcon, Textarea } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { SendHorizontal } from 'lucide-react';
import { useEffect, useRef } from 'react';
import classes from './composer.module.css';
import { draftOf, keepDraft, useDraft } from './drafts';
import { sendMessage } from './outgoing';
import { useTypingReport } from './typing';

export const longestText = 10_000;

/** As the gateway stores it. */
export function cleaned(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n').trim();
}

export function Composer({
  chatId,
  name,
  newest,
  editLast,
}: {
  chatId: string;
  name: string;
  /** The number of the last message that is there. */
  newest: number;
  editLast: () => void;
}) {
  const text = useDraft(chatId);
  const report = useTypingReport(chatId);
  const field = useRef<HTMLTextAreaElement>(null);
  const hasKeyboard = useMediaQuery('(hover: hover)') ?? true;
  const left = longestText - [...text].length;
  const canSend = cleaned(text) !== '' && left >= 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another chat is written to at once
  useEffect(() => {
    if (hasKeyboard) field.current?.focus({ preventScroll: true });
  }, [chatId, hasKeyboard]);
  const send = () => {
    // Two keys may come before the next picture: what is sent is what is kept.
    const written = cleaned(draftOf(chatId));
    if (written === '' || !canSend) return;
    keepDraft(chatId, '');
    sendMessage(chatId, written, newest);
    field.current?.focus();
  };
  return (
    <form
      className={classes.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Textarea
        ref={field}
        className={classes.field}
        classNames={{ input: classes.input ?? '' }}
        variant="unstyled"
        dir="auto"
        autosize
        minRows={1}
        maxRows={10}
        aria-label={name ? `Message to ${name}` : 'Message'}
        placeholder={name ? `Message ${name}` : 'Message'}
        value={text}
        onChange={({ currentTarget }) => {
          keepDraft(chatId, currentTarget.value);
          if (currentTarget.value.trim()) report();
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          if (event.key === 'Enter' && !event.shiftKey && hasKeyboard) {
            event.preventDefault();
            send();
          } else if (event.key === 'ArrowUp' && text === '') {
            event.preventDefault();
            editLast();
          }
        }}
      />
      {left < 500 && (
        <span className={classes.left} data-over={left < 0 || undefined} role="status">
          {left < 0 ? `${-left} too many` : `${left} left`}
        </span>
      )}
      <ActionIcon
        type="submit"
        size={32}
        variant={canSend ? 'filled' : 'subtle'}
        color={canSend ? 'accent' : 'gray'}
        aria-label="Send"
        disabled={!canSend}
        // The field keeps its focus, and a phone its keyboard.
        onPointerDown={(event) => event.preventDefault()}
      >
        <SendHorizontal size={16} />
      </ActionIcon>
    </form>
  );
}
