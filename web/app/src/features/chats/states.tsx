// What became of the reader's own messages: sent, delivered, seen, by how many, and on a click by whom and when.
import { Popover, Skeleton, Text, UnstyledButton } from '@mantine/core';
import { Check, CheckCheck } from 'lucide-react';
import { useMemo, useState } from 'react';
import { RelativeTime } from '../../components/relative-time';
import { UserName, UserNameParts } from '../../components/user-name';
import type { MessageStatesQuery } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import classes from './states.module.css';

void UserNameParts;
const MessageStates = graphql(`
  query MessageStates($id: ID!) @live {
    chat(id: $id) {
      id
      messages(first: 30) {
        nodes { id state receipts { recipientCount deliveredCount seenCount } }
      }
    }
  }
`);
const MessageReceipts = graphql(`
  query MessageReceipts($id: ID!) @live {
    node(id: $id) {
      id
      ... on Message {
        receipts { recipients { state deliveredAt seenAt user { ...UserName } } }
      }
    }
  }
`);

export type Told = NonNullable<MessageStatesQuery['chat']>['messages']['nodes'][number];
export type States = ReadonlyMap<string, Told>;

/** The states of the newest own messages. One stands for those before it that came as far. */
export function useStates(chatId: string): States {
  const { data } = useLive(MessageStates, { id: chatId });
  return useMemo(() => marksOf(data?.chat?.messages.nodes ?? []), [data]);
}

/** Of messages, the newest first. */
export function marksOf(messages: readonly Told[]): States {
  const marks = new Map<string, Told>();
  let last: string | undefined;
  for (const message of messages) {
    const { id, state, receipts } = message;
    if (!state || !receipts || receipts.recipientCount === 0) continue;
    const words = wordsFor(state, receipts);
    if (words !== last) marks.set(id, message);
    last = words;
  }
  return marks;
}

export function StateMark({ told: { id, state, receipts } }: { told: Told }) {
  const [isOpen, setOpen] = useState(false);
  if (!state || !receipts || receipts.recipientCount === 0) return null;
  const words = wordsFor(state, receipts);
  const Icon = state === 'SENT' ? Check : CheckCheck;
  return (
    <Popover opened={isOpen} onChange={setOpen} position="top-end" width={280} withinPortal>
      <Popover.Target>
        <UnstyledButton
          className={classes.mark}
          data-state={state}
          aria-label={words}
          title={words}
          onClick={() => setOpen(!isOpen)}
        >
          <Icon size={14} aria-hidden />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <Text size="sm" fw={600} mb={4}>
          {words}
        </Text>
        {isOpen && <Receipts id={id} />}
      </Popover.Dropdown>
    </Popover>
  );
}

export function wordsFor(
  state: NonNullable<Told['state']>,
  { recipientCount, deliveredCount, seenCount }: NonNullable<Told['receipts']>,
): string {
  if (recipientCount === 1) return { SENT: 'Sent', DELIVERED: 'Delivered', SEEN: 'Seen' }[state];
  if (state === 'SEEN') return `Seen by all ${recipientCount}`;
  if (seenCount > 0) return `Seen by ${seenCount} of ${recipientCount}`;
  if (state === 'DELIVERED') return `Delivered to all ${recipientCount}`;
  if (deliveredCount > 0) return `Delivered to ${deliveredCount} of ${recipientCount}`;
  return 'Sent';
}

function Receipts({ id }: { id: string }) {
  const { data } = useLive(MessageReceipts, { id });
  const node = data?.node;
  if (!node || !('receipts' in node)) return <Skeleton height={24} />;
  return (
    <ul className={classes.receipts}>
      {node.receipts?.recipients.map(({ user, state, seenAt, deliveredAt }) => {
        const at = state === 'SEEN' ? seenAt : deliveredAt;
        return (
          <li key={user.id}>
            <UserName person={user} size={20} />
            <span className="quiet">
              {{ SENT: 'not yet', DELIVERED: 'delivered', SEEN: 'seen' }[state]}{' '}
              {at && <RelativeTime at={at} />}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
