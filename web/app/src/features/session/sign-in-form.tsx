import { Alert, Button, Checkbox, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useServerForm } from '../../lib/form';
import { beginSession, millrace } from '../../lib/millrace';

export function SignInForm({ email = '', done }: { email?: string; done?: () => void }) {
  const [isKept, setKept] = useState(false);
  const form = useServerForm({ initialValues: { email, password: '' } });
  return (
    <form
      onSubmit={form.send(async (values) => {
        await beginSession(() => millrace.signIn(values), { isKept });
        done?.();
      })}
    >
      <Stack gap="sm">
        {form.refusal && (
          <Alert color="red" role="alert">
            {form.refusal}
          </Alert>
        )}
        <TextInput
          label="Email"
          type="email"
          autoComplete="username"
          required
          {...form.getInputProps('email')}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          {...form.getInputProps('password')}
        />
        <Checkbox
          label="Keep me signed in on this device"
          checked={isKept}
          onChange={({ currentTarget }) => setKept(currentTarget.checked)}
        />
        <Button type="submit" loading={form.isSending}>
          Sign in
        </Button>
      </Stack>
    </form>
  );
}
