import { Alert, Button, Stack, Text, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { Entrance } from './entrance';

const RequestReset = graphql(`
  mutation RequestReset($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { isAccepted } }
`);

export function ForgotPage() {
  const request = useAct(RequestReset);
  const [sentTo, setSentTo] = useState<string>();
  const form = useServerForm({ initialValues: { email: '' } });
  return (
    <Entrance title="Set a new password" foot={<Link to="/sign-in">Back to signing in</Link>}>
      {sentTo ? (
        <Text size="sm" role="status">
          If somebody has the address {sentTo}, a mail is on its way there. What it says works for
          an hour.
        </Text>
      ) : (
        <form
          onSubmit={form.send(async (input) => {
            await request({ input });
            setSentTo(input.email);
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
            <Button type="submit" loading={form.isSending}>
              Send me a mail
            </Button>
          </Stack>
        </form>
      )}
    </Entrance>
  );
}
