import { Anchor, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { RelativeTime } from '../../components/relative-time';
import { graphql } from '../../lib/graphql';
import { useAct, useLive } from '../../lib/live';
import { say, sayFailed } from '../../lib/toasts';

const MyAddress = graphql(`
  query MyAddress @live { me { id email emailVerifiedAt } }
`);
const RequestVerification = graphql(`
  mutation RequestVerification($input: RequestEmailVerificationInput!) {
    requestEmailVerification(input: $input) { isAccepted }
  }
`);

/** The address to sign in with, and whether it was shown to be one's own. */
export function Email() {
  const { data } = useLive(MyAddress, {});
  const request = useAct(RequestVerification);
  const [isAsked, setAsked] = useState(false);
  const email = data?.me?.email;
  if (!email) return null;
  const verifiedAt = data.me?.emailVerifiedAt;
  return (
    <div>
      <Text size="sm" fw={500}>
        Email
      </Text>
      <Group gap={8}>
        <Text size="sm">{email}</Text>
        <Text size="sm" c="dimmed">
          {verifiedAt ? (
            <>
              verified <RelativeTime at={verifiedAt} />
            </>
          ) : (
            'not verified yet'
          )}
        </Text>
        {!verifiedAt && !isAsked && (
          <Anchor
            component="button"
            type="button"
            size="sm"
            onClick={() => {
              setAsked(true);
              request({ input: { email } }).then(
                () => say('A mail with a link is on its way to you.'),
                (cause) => {
                  setAsked(false);
                  sayFailed(cause);
                },
              );
            }}
          >
            Send a mail to verify it
          </Anchor>
        )}
      </Group>
    </div>
  );
}
