// A group: its title, who is in it, and what happened to it. Everybody may add people and rename it; its owner removes members.
import {
  ActionIcon,
  Alert,
  Badge,
  Button,
  Drawer,
  Group,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { LogOut, UserMinus } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { ask } from '../../components/ask';
import { Conflict } from '../../components/conflict';
import { Timeline } from '../../components/timeline';
import { UserName } from '../../components/user-name';
import type { ChatHeadQuery } from '../../generated/graphql';
import { useEditForm } from '../../lib/edit';
import { asFailure, explain } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { stayed } from '../../lib/here';
import { useAct, useLive } from '../../lib/live';
import { useSession } from '../../lib/session';
import { say, sayFailed, sayUndoable } from '../../lib/toasts';
import classes from './members.module.css';
import { PersonPicker } from './person-picker';

const RenameChat = graphql(`
  mutation RenameChat($input: RenameChatInput!) { renameChat(input: $input) { chat { id title version } } }
`);
const AddChatMembers = graphql(`
  mutation AddChatMembers($input: AddChatMembersInput!) {
    addChatMembers(input: $input) {
      chat { id title version memberCount members { role joinedAt user { ...UserName lastSeenAt } } }
    }
  }
`);
const RemoveChatMember = graphql(`
  mutation RemoveChatMember($input: RemoveChatMemberInput!) {
    removeChatMember(input: $input) {
      chat { id title version memberCount members { role joinedAt user { ...UserName lastSeenAt } } }
    }
  }
`);
const LeaveChat = graphql(`
  mutation LeaveChat($input: LeaveChatInput!) { leaveChat(input: $input) { chatId } }
`);
const ChatHistory = graphql(`
  query ChatHistory($id: ID!) @live {
    chat(id: $id) {
      id
      history(last: 50) { nodes { version type occurredAt data actor { name ... on User { id } } } }
    }
  }
`);

type Chat = NonNullable<ChatHeadQuery['chat']>;

export function Members({
  chat,
  isOpen,
  close,
}: {
  chat: Chat;
  isOpen: boolean;
  close: () => void;
}) {
  return (
    <Drawer
      opened={isOpen}
      onClose={close}
      position="right"
      size={380}
      title="Members and settings"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack gap="lg">
        <Rename chat={chat} />
        <People chat={chat} />
        <Leave chat={chat} />
        <History id={chat.id} />
      </Stack>
    </Drawer>
  );
}

const titleOf = ({ version, title }: Pick<Chat, 'version' | 'title'>) => ({
  version,
  values: { title: title ?? '' },
});

function Rename({ chat }: { chat: Chat }) {
  const rename = useAct(RenameChat);
  const form = useEditForm(titleOf(chat), { title: 'Title' });
  const isChanged = form.values.title.trim() !== chat.title;
  const submit = form.send(async ({ title }) => {
    const { renameChat } = await rename({ input: { id: chat.id, title: title.trim() } });
    say('The group was renamed.');
    return renameChat ? titleOf(renameChat.chat) : undefined;
  });
  return (
    <form onSubmit={submit}>
      {form.conflict && <Conflict {...form.conflict} />}
      {form.refusal && <Alert color="red">{form.refusal}</Alert>}
      <Group align="end" gap="xs" wrap="nowrap">
        <TextInput
          label="Title"
          maxLength={200}
          className={classes.grow}
          {...form.getInputProps('title')}
        />
        <Button
          type="submit"
          variant="default"
          disabled={!isChanged || !form.values.title.trim() || form.conflict !== undefined}
          loading={form.isSending}
        >
          Rename
        </Button>
      </Group>
    </form>
  );
}

function People({ chat }: { chat: Chat }) {
  const { me } = useSession();
  const add = useAct(AddChatMembers);
  const remove = useAct(RemoveChatMember);
  const [chosen, setChosen] = useState<string[]>([]);
  const [refusal, setRefusal] = useState<string>();
  const [isAdding, setAdding] = useState(false);
  const isOwner = chat.members.some(({ role, user }) => role === 'OWNER' && user.id === me?.id);
  const addChosen = async () => {
    setAdding(true);
    setRefusal(undefined);
    try {
      await add({ input: { id: chat.id, userIds: chosen } });
      setChosen([]);
    } catch (cause) {
      setRefusal(explain(asFailure(cause as Error)));
    } finally {
      setAdding(false);
    }
  };
  const removing = useRef(new Set<string>());
  const removeOne = async ({ id: userId, name }: { id: string; name: string }) => {
    // A second click comes before the list is without them.
    if (removing.current.has(userId)) return;
    removing.current.add(userId);
    try {
      await remove({ input: { id: chat.id, userId } });
      sayUndoable(`${name} was removed.`, () => add({ input: { id: chat.id, userIds: [userId] } }));
    } catch (cause) {
      sayFailed(cause);
    } finally {
      removing.current.delete(userId);
    }
  };
  return (
    <section>
      <Title order={3} mb="xs">
        {chat.memberCount} {chat.memberCount === 1 ? 'member' : 'members'}
      </Title>
      <ul className={classes.people}>
        {chat.members.map(({ user, role }) => (
          <li key={user.id} className={classes.person}>
            <UserName person={user} isLink />
            {user.id === me?.id && <span className="quiet">you</span>}
            {role === 'OWNER' && (
              <Badge variant="default" size="sm" tt="none">
                Owner
              </Badge>
            )}
            {isOwner && user.id !== me?.id && (
              <ActionIcon
                className={classes.end}
                aria-label={`Remove ${user.name}`}
                onClick={() => removeOne(user)}
              >
                <UserMinus size={16} />
              </ActionIcon>
            )}
          </li>
        ))}
      </ul>
      <Group align="end" gap="xs" wrap="nowrap" mt="sm">
        <div className={classes.grow}>
          <PersonPicker
            label="Add people"
            value={chosen}
            onChange={setChosen}
            without={chat.members.map(({ user }) => user.id)}
            error={refusal}
          />
        </div>
        <Button disabled={chosen.length === 0} loading={isAdding} onClick={addChosen}>
          Add
        </Button>
      </Group>
      <Text size="xs" c="dimmed" mt={4}>
        New members can read everything that was written before.
      </Text>
    </section>
  );
}

function Leave({ chat }: { chat: Chat }) {
  const leave = useAct(LeaveChat);
  const navigate = useNavigate();
  const leaveIt = () =>
    ask({
      title: `Leave ${chat.title ?? 'the group'}?`,
      text: 'You no longer see its messages, until a member adds you again. If you own the group, its longest-standing member becomes the owner.',
      confirm: 'Leave group',
      cancel: 'Stay',
      act: async () => {
        const isHere = stayed();
        try {
          await leave({ input: { id: chat.id } });
          if (isHere()) navigate({ to: '/chats', search: true } as never);
          say(`You left ${chat.title ?? 'the group'}.`);
        } catch (cause) {
          sayFailed(cause);
        }
      },
    });
  return (
    <Button
      variant="default"
      color="red"
      leftSection={<LogOut size={14} />}
      onClick={leaveIt}
      style={{ alignSelf: 'flex-start' }}
    >
      Leave group
    </Button>
  );
}

const verbs: Record<string, string> = {
  ChatCreated: 'created the group',
  ChatRenamed: 'renamed the group',
  ChatMemberAdded: 'added a member',
  ChatMemberRemoved: 'removed a member',
  ChatMemberLeft: 'left',
};

/** What was said is in the chat itself. */
function History({ id }: { id: string }) {
  const { data } = useLive(ChatHistory, { id });
  const [entries, setEntries] = useState<Parameters<typeof Timeline>[0]['entries']>([]);
  useEffect(() => {
    const nodes = data?.chat?.history?.nodes ?? [];
    setEntries(
      nodes
        .filter(({ type }) => type in verbs)
        .toReversed()
        .map(({ version, type, actor, occurredAt, data }) => {
          const title = (data as { chat?: { title?: unknown } } | null)?.chat?.title;
          return {
            id: String(version),
            actor,
            verb: verbs[type] ?? type,
            at: occurredAt,
            ...(type === 'ChatRenamed' &&
              typeof title === 'string' && { changes: [{ field: 'title', to: title }] }),
          };
        }),
    );
  }, [data]);
  if (entries.length === 0) return null;
  return (
    <section>
      <Title order={3} mb="sm">
        History
      </Title>
      <Timeline entries={entries} />
    </section>
  );
}
