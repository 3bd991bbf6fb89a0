import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { say } from '../../lib/toasts';
import { Entrance } from './entrance';

const ResetPassword = graphql(`
  mutation ResetPassword($input: ResetPasswordInput!) { resetPassword(input: $input) { user { id } } }
`);
const route = getRouteApi('/reset-password');

export function ResetPage() {
  const { token = '' } = route.useSearch();
  const navigate = useNavigate();
  const reset = useAct(ResetPassword);
  const form = useServerForm({ initialValues: { token, newPassword: '' } });
  return (
    <Entrance
      title="Set a new password"
      foot={<Link to="/forgot-password">Ask for another mail</Link>}
    >
      <form
        onSubmit={form.send(async (input) => {
          await reset({ input });
          say('Your password is set. Sign in with it.');
          await navigate({ to: '/sign-in', replace: true });
        })}
      >
        <Stack gap="sm">
          {form.refusal && (
            <Alert color="red" role="alert">
              {form.refusal}
            </Alert>
          )}
          {!token && (
            <TextInput label="Token from the mail" required {...form.getInputProps('token')} />
          )}
          {token && form.errors.token && (
            <Alert color="red" role="alert">
              The link does not work any more. Ask for another mail.
            </Alert>
          )}
          <PasswordInput
            label="New password"
            description="8 to 128 characters"
            autoComplete="new-password"
            required
            {...form.getInputProps('newPassword')}
          />
          <Button type="submit" loading={form.isSending}>
            Set the password
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
