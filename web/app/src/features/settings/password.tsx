import { Alert, Button, Group, PasswordInput, Stack } from '@mantine/core';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { say } from '../../lib/toasts';
import { Section } from './section';

const ChangePassword = graphql(`
  mutation ChangePassword($input: ChangePasswordInput!) {
    changePassword(input: $input) { user { id } }
  }
`);

export function Password() {
  const change = useAct(ChangePassword);
  const form = useServerForm({ initialValues: { currentPassword: '', newPassword: '' } });
  return (
    <Section title="Password" about="A new password ends your sessions everywhere else.">
      <form
        onSubmit={form.send(
          async (input) => {
            await change({ input });
            say('Your password is changed.');
          },
          { isCleared: true },
        )}
      >
        <Stack gap="sm">
          {form.refusal && (
            <Alert color="red" role="alert">
              {form.refusal}
            </Alert>
          )}
          <PasswordInput
            label="Current password"
            autoComplete="current-password"
            required
            {...form.getInputProps('currentPassword')}
          />
          <PasswordInput
            label="New password"
            description="8 to 128 characters"
            autoComplete="new-password"
            required
            {...form.getInputProps('newPassword')}
          />
          <Group>
            <Button type="submit" variant="default" loading={form.isSending}>
              Change password
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}
