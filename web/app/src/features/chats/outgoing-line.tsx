// An own message that is not sent yet, or was refused.
import { Button, Group } from '@mantine/core';
import { CircleAlert, Clock } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { Person } from '../../components/user-name';
import { useConnection } from '../../lib/connection';
import { draftOf, keepDraft } from './drafts';
import { Around } from './message';
import classes from './message.module.css';
import { dropOutgoing, type Outgoing, sendMessage } from './outgoing';
import { RichText } from './rich-text';

/** What is sent within this needs no word. */
const quietMs = 600;

export function OutgoingLine({
  outgoing: { key, chatId, text, at, after, state, reason },
  isFirst,
  me,
}: {
  outgoing: Outgoing;
  isFirst: boolean;
  me: Person;
}) {
  const { status } = useConnection();
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), quietMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <Around author={me} at={at} isFirst={isFirst}>
      <span className={state === 'refused' || isSlow ? 'quiet' : undefined}>
        <RichText text={text} />
      </span>
      {state === 'waiting' && isSlow && (
        <div className={classes.state}>
          <Clock size={12} aria-hidden />
          {status === 'offline' ? 'Waits for the network' : 'Sending…'}
        </div>
      )}
      {state === 'refused' && (
        <>
          <div className={`${classes.state} ${classes.refused}`} role="alert">
            <CircleAlert size={12} aria-hidden /> Not sent. {reason}
          </div>
          <Group gap="xs" mt={4}>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => {
                dropOutgoing(key);
                sendMessage(chatId, text, Math.min(after, Number.MAX_SAFE_INTEGER - 1));
              }}
            >
              Send again
            </Button>
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => {
                dropOutgoing(key);
                const draft = draftOf(chatId);
                keepDraft(chatId, draft ? `${text}\n${draft}` : text);
              }}
            >
              Edit
            </Button>
            <Button
              size="compact-xs"
              variant="subtle"
              color="red"
              onClick={() => dropOutgoing(key)}
            >
              Drop
            </Button>
          </Group>
        </>
      )}
    </Around>
  );
}
