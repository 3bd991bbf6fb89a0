// What an administrator can do with an account. What interrupts somebody's work or cannot be undone is asked about first.
import { ActionIcon, Menu } from '@mantine/core';
import { Ellipsis, Eraser, LogOut, Unplug, UserCheck, UserX } from 'lucide-react';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { useSession } from '../../lib/session';
import { say, sayFailed } from '../../lib/toasts';
import { useConfirm } from '../confirm';
import './users';

const DisconnectUser = graphql(`
  mutation DisconnectUser($input: DisconnectUserInput!) {
    disconnectUser(input: $input) { endedSessions user { id } }
  }
`);
const DeactivateUser = graphql(`
  mutation DeactivateUser($input: DeactivateUserInput!) {
    deactivateUser(input: $input) { user { ...UserRow } }
  }
`);
const ReactivateUser = graphql(`
  mutation ReactivateUser($input: ReactivateUserInput!) {
    reactivateUser(input: $input) { user { ...UserRow } }
  }
`);
const EraseUser = graphql(`
  mutation EraseUser($input: EraseUserInput!) {
    eraseUser(input: $input) { erasure { user { ...UserRow } } }
  }
`);

interface Managed {
  id: string;
  name: string;
  deactivatedAt?: string | null;
}

export function UserActions({
  user: { id, name, deactivatedAt },
  label,
}: {
  user: Managed;
  /** Of the button that opens them. */
  label: string;
}) {
  const { me } = useSession();
  const isMe = me?.id === id;
  const [dialog, ask] = useConfirm();
  const disconnect = useAct(DisconnectUser);
  const deactivate = useAct(DeactivateUser);
  const reactivate = useAct(ReactivateUser);
  const erase = useAct(EraseUser);
  const isActive = deactivatedAt == null;
  const askSignOut = () =>
    ask({
      title: `Sign ${name} out?`,
      text: `All sockets and sessions of ${name} end, on all devices${isMe ? ', also this one' : ''}. They have to sign in again.`,
      verb: 'Sign out everywhere',
      act: async () => {
        const { disconnectUser } = await disconnect({ input: { id, endSessions: true } });
        const ended = disconnectUser?.endedSessions ?? 0;
        say(`${name} is signed out: ${ended} ${ended === 1 ? 'session' : 'sessions'} ended`);
      },
    });
  const askDeactivate = () =>
    ask({
      title: `Deactivate ${name}?`,
      text: 'Their sessions end at once, and they cannot sign in any more. What they wrote stays. An administrator can make them active again.',
      verb: 'Deactivate',
      act: async () => {
        await deactivate({ input: { id } });
        say(`${name} was deactivated`);
      },
    });
  const askErase = () =>
    ask({
      title: `Erase the personal data of ${name}?`,
      text: 'Names, address, picture and bio are gone at once; what they wrote in chats, posts and comments is removed from tables, log and archive in the background. Nobody can bring it back.',
      verb: 'Erase for good',
      word: name,
      act: async () => {
        await erase({ input: { id } });
        say('The erasure has begun. Storage, under operations, shows how far it is');
      },
    });
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon aria-label={label}>
            <Ellipsis size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {isActive && (
            <>
              <Menu.Item
                leftSection={<Unplug size={14} />}
                onClick={() =>
                  disconnect({ input: { id, endSessions: false } }).then(
                    () => say(`The sockets of ${name} are closed. Their clients may come back`),
                    sayFailed,
                  )
                }
              >
                Disconnect
              </Menu.Item>
              <Menu.Item leftSection={<LogOut size={14} />} onClick={askSignOut}>
                Sign out everywhere…
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item
                color="red"
                leftSection={<UserX size={14} />}
                disabled={isMe}
                onClick={askDeactivate}
              >
                Deactivate…
              </Menu.Item>
            </>
          )}
          {!isActive && (
            <>
              <Menu.Item
                leftSection={<UserCheck size={14} />}
                onClick={() =>
                  reactivate({ input: { id } }).then(
                    () => say(`${name} is active again, and can sign in`),
                    sayFailed,
                  )
                }
              >
                Reactivate
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" leftSection={<Eraser size={14} />} onClick={askErase}>
                Erase personal data…
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {dialog}
    </>
  );
}
