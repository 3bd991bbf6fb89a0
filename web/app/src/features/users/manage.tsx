// What an administrator can do with an account. What cannot be undone is asked about first.
import { ActionIcon, Menu } from '@mantine/core';
import { Ellipsis, Eraser, LogOut, UserX } from 'lucide-react';
import { useState } from 'react';
import { Confirm } from '../../components/confirm';
import { useAct } from '../../lib/live';
import { say, sayFailed } from '../../lib/toasts';
import { DeactivateUser, EndSessions, EraseUser } from './documents';

interface Managed {
  id: string;
  name: string;
  deactivatedAt?: string | null;
}

export function Manage({
  user: { id, name, deactivatedAt },
  isMe,
}: {
  user: Managed;
  isMe: boolean;
}) {
  const [asked, setAsked] = useState<'deactivate' | 'erase'>();
  const endSessions = useAct(EndSessions);
  const deactivate = useAct(DeactivateUser);
  const erase = useAct(EraseUser);
  const close = () => setAsked(undefined);
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon aria-label="Manage the account">
            <Ellipsis size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {!deactivatedAt && (
            <Menu.Item
              leftSection={<LogOut size={14} />}
              disabled={isMe}
              onClick={() =>
                endSessions({ id }).then(
                  ({ disconnectUser }) =>
                    say(`${name} was signed out of ${disconnectUser?.endedSessions ?? 0} sessions`),
                  sayFailed,
                )
              }
            >
              Sign out everywhere
            </Menu.Item>
          )}
          {deactivatedAt ? (
            <Menu.Item
              color="red"
              leftSection={<Eraser size={14} />}
              onClick={() => setAsked('erase')}
            >
              Erase personal data…
            </Menu.Item>
          ) : (
            <Menu.Item
              color="red"
              leftSection={<UserX size={14} />}
              disabled={isMe}
              onClick={() => setAsked('deactivate')}
            >
              Deactivate…
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Confirm
        isOpen={asked === 'deactivate'}
        title={`Deactivate ${name}?`}
        action="Deactivate"
        close={close}
        act={async () => {
          await deactivate({ input: { id } });
          say(`${name} was deactivated`);
        }}
      >
        Their sessions end at once, and they cannot sign in any more. What they wrote stays. This
        cannot be undone here.
      </Confirm>
      <Confirm
        isOpen={asked === 'erase'}
        title={`Erase the personal data of ${name}?`}
        action="Erase for good"
        typed={name}
        close={close}
        act={async () => {
          await erase({ input: { id } });
          say('The personal data is being erased');
        }}
      >
        Names, address, picture and bio are gone at once; what they wrote is removed from tables,
        log and archive in the background. Nobody can bring it back.
      </Confirm>
    </>
  );
}
