// The session ended while the page was in use: it stays as it is, and goes on after signing in.
import { Button, Modal, Text } from '@mantine/core';
import { SignInForm } from '../features/session/sign-in-form';
import { useSignOut } from '../lib/leave';
import { useSession } from '../lib/session';

export function SignInAgain() {
  const { me } = useSession();
  const signOut = useSignOut();
  return (
    <Modal opened onClose={() => {}} withCloseButton={false} title="Your session ended">
      <Text size="sm" mb="md">
        Sign in again to go on. What you typed is still here.
      </Text>
      <SignInForm email={me?.email ?? ''} />
      <Button variant="subtle" fullWidth mt="xs" onClick={() => signOut()}>
        Leave the page
      </Button>
    </Modal>
  );
}
