import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useServerForm } from '../../lib/form';
import { beginSession, millrace } from '../../lib/millrace';
import { Entrance } from './entrance';
import { useLeaveWhenIn } from './sign-in-page';

const route = getRouteApi('/register');

export function RegisterPage() {
  const { next } = route.useSearch();
  useLeaveWhenIn(next);
  const form = useServerForm({
    initialValues: { name: '', username: '', email: '', password: '' },
  });
  return (
    <Entrance
      title="Make an account"
      foot={
        <>
          You have one?{' '}
          <Link to="/sign-in" search={next ? { next } : {}}>
            Sign in
          </Link>
        </>
      }
    >
      <form
        onSubmit={form.send(({ username, ...input }) =>
          beginSession(() =>
            millrace.register({ ...input, ...(username.trim() && { username: username.trim() }) }),
          ),
        )}
      >
        <Stack gap="sm">
          {form.refusal && (
            <Alert color="red" role="alert">
              {form.refusal}
            </Alert>
          )}
          <TextInput label="Name" autoComplete="name" required {...form.getInputProps('name')} />
          <TextInput
            label="Username"
            description="Not required. 3 to 30 letters, digits and underscores; others can find you by it"
            leftSection="@"
            maxLength={30}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            {...form.getInputProps('username')}
          />
          <TextInput
            label="Email"
            type="email"
            autoComplete="username"
            required
            {...form.getInputProps('email')}
          />
          <PasswordInput
            label="Password"
            description="8 to 128 characters"
            autoComplete="new-password"
            required
            {...form.getInputProps('password')}
          />
          <Button type="submit" loading={form.isSending}>
            Make the account
          </Button>
        </Stack>
      </form>
    </Entrance>
  );
}
