import { Alert, Button, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import { asFailure, explain, passing } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { Entrance } from './entrance';

const VerifyEmail = graphql(`
  mutation VerifyEmail($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { id email } } }
`);
const route = getRouteApi('/verify-email');

export function VerifyPage() {
  const { token = '' } = route.useSearch();
  const verify = useAct(VerifyEmail);
  const [outcome, setOutcome] = useState<{
    email?: string | null;
    refusal?: string;
    mayPass?: boolean;
  }>();
  const isSent = useRef(false);
  const send = useCallback(() => {
    // A token works once.
    if (isSent.current) return;
    isSent.current = true;
    setOutcome(undefined);
    verify({ input: { token } }).then(
      ({ verifyEmail }) => setOutcome({ email: verifyEmail?.user.email ?? null }),
      (cause) => {
        const failure = asFailure(cause);
        const isSpent = failure.code === 'VALIDATION';
        const mayPass = passing.has(failure.code);
        isSent.current = !mayPass;
        setOutcome({
          mayPass,
          refusal: isSpent
            ? 'The link does not work any more. Ask for another mail in the settings.'
            : explain(failure),
        });
      },
    );
  }, [verify, token]);
  useEffect(send, [send]);
  return (
    <Entrance title="Your email address" foot={<Link to="/settings">To the settings</Link>}>
      {outcome?.refusal && (
        <Alert color="red" role="alert">
          {outcome.refusal}{' '}
          {outcome.mayPass && (
            <Button size="compact-sm" variant="default" onClick={send}>
              Try again
            </Button>
          )}
        </Alert>
      )}
      {outcome && !outcome.refusal && (
        <Text size="sm" role="status">
          {outcome.email ? `${outcome.email} is verified.` : 'The address is verified.'}
        </Text>
      )}
    </Entrance>
  );
}
