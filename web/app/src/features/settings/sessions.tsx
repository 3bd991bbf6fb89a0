import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { useSession } from '../../lib/session';
import { Section } from './section';

export function Sessions() {
  const { signOut } = useSession();
  const [isLeaving, setLeaving] = useState(false);
  return (
    <Section
      title="Sessions"
      about="Signing out ends what is open under the session at once, in every window."
    >
      <Group>
        <Button variant="default" onClick={() => signOut()}>
          Sign out here
        </Button>
        <Button
          variant="default"
          color="red"
          loading={isLeaving}
          onClick={() => {
            setLeaving(true);
            signOut({ everywhere: true }).finally(() => setLeaving(false));
          }}
        >
          Sign out everywhere
        </Button>
      </Group>
    </Section>
  );
}
