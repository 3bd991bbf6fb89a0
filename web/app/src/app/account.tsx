// Who is signed in, whether they are here, and the way out.
import { Menu, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { LogIn, LogOut, Monitor, Moon, Settings, Sun } from 'lucide-react';
import { UserAvatar } from '../components/user-name';
import { graphql } from '../lib/graphql';
import { useSignOut } from '../lib/leave';
import { useAct } from '../lib/live';
import { useSession } from '../lib/session';
import { sayFailed } from '../lib/toasts';
import classes from './account.module.css';

const SetAvailability = graphql(`
  mutation SetAvailability($input: SetAvailabilityInput!) {
    setAvailability(input: $input) { user { id name username bio availability version } }
  }
`);

const availabilities = [
  ['ONLINE', 'Online'],
  ['AWAY', 'Away'],
  ['BUSY', 'Do not disturb'],
  ['OFFLINE', 'Invisible'],
] as const;

export function AccountMenu({ isSmall = false }: { isSmall?: boolean }) {
  const { state, me } = useSession();
  const signOut = useSignOut();
  const { setColorScheme } = useMantineColorScheme();
  const setAvailability = useAct(SetAvailability, { queue: true });
  if (state === 'out')
    return (
      <Link to="/sign-in" className={classes.button}>
        <LogIn size={16} aria-hidden />
        <span className="label">Sign in</span>
      </Link>
    );
  return (
    <Menu position="top-start" width={220} withinPortal={false}>
      <Menu.Target>
        <UnstyledButton
          className={classes.button}
          aria-label={me ? `Account of ${me.name}` : 'Account'}
        >
          {me && <UserAvatar person={me} size={24} />}
          {!isSmall && <span className={`label cut ${classes.name}`}>{me?.name}</span>}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {me && <Menu.Label>{me.email ?? me.name}</Menu.Label>}
        <Menu.Item component={Link} to="/settings" leftSection={<Settings size={16} />}>
          Settings
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>Availability</Menu.Label>
        {availabilities.map(([availability, label]) => (
          <Menu.Item
            key={availability}
            className={classes.availability}
            data-availability={availability}
            aria-current={me?.availability === availability || undefined}
            onClick={() => setAvailability({ input: { availability } }).catch(sayFailed)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>Colours</Menu.Label>
        <Menu.Item leftSection={<Sun size={16} />} onClick={() => setColorScheme('light')}>
          Light
        </Menu.Item>
        <Menu.Item leftSection={<Moon size={16} />} onClick={() => setColorScheme('dark')}>
          Dark
        </Menu.Item>
        <Menu.Item leftSection={<Monitor size={16} />} onClick={() => setColorScheme('auto')}>
          As the system
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<LogOut size={16} />} onClick={() => signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
