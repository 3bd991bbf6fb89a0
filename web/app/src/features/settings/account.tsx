import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useSignOut } from '../../lib/leave';
import { useAct } from '../../lib/live';
import type { Me } from '../../lib/session';
import { Section } from './section';

const Deactivate = graphql(`
  mutation DeactivateOneself($input: DeactivateUserInput!) {
    deactivateUser(input: $input) { user { id deactivatedAt } }
  }
`);

export function Account({ me }: { me: Me }) {
  const [isAsking, setAsking] = useState(false);
  return (
    <Section
      title="Account"
      about="A deactivated account cannot sign in. What it wrote stays; an administrator can erase its personal data."
    >
      <Group>
        <Button variant="default" c="var(--bad)" onClick={() => setAsking(true)}>
          Deactivate account
        </Button>
      </Group>
      <Modal opened={isAsking} onClose={() => setAsking(false)} title="Deactivate your account">
        <Confirm me={me} cancel={() => setAsking(false)} />
      </Modal>
    </Section>
  );
}

function Confirm({ me, cancel }: { me: Me; cancel: () => void }) {
  const signOut = useSignOut();
  const deactivate = useAct(Deactivate);
  const form = useServerForm({ initialValues: { name: '' } });
  const isSure = form.getValues().name.trim() === me.name;
  return (
    <form
      onSubmit={form.send(async () => {
        await deactivate({ input: { id: me.id } });
        await signOut();
      })}
    >
      <Stack gap="sm">
        <Text size="sm">
          You are signed out everywhere, and only an administrator can make the account active
          again.
        </Text>
        {form.refusal && (
          <Alert color="red" role="alert">
            {form.refusal}
          </Alert>
        )}
        <TextInput
          label={`Type “${me.name}” to confirm`}
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={cancel}>
            Cancel
          </Button>
          <Button type="submit" color="red" disabled={!isSure} loading={form.isSending}>
            Deactivate
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
