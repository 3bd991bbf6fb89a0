// What belongs to oneself: the profile, whether one is here, the password, the sessions, the account.
import { Stack } from '@mantine/core';
import { Page } from '../../components/page';
import { useSession } from '../../lib/session';
import { Account } from './account';
import { Password } from './password';
import { Profile } from './profile';
import { Rights } from './rights';
import { Sessions } from './sessions';

export function SettingsPage() {
  const { me } = useSession();
  return (
    <Page title="Settings" reading>
      {me && (
        <Stack gap={40} maw={560} pb={48}>
          <Profile me={me} />
          <Password />
          <Sessions />
          <Rights me={me} />
          <Account me={me} />
        </Stack>
      )}
    </Page>
  );
}
