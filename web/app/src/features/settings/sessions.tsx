import { Badge, Button, Group, Skeleton } from '@mantine/core';
import { useState } from 'react';
import { FailedLine } from '../../components/failed';
import { RelativeTime } from '../../components/relative-time';
import type { OpenSessionFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useSignOut } from '../../lib/leave';
import { useAct, useLive } from '../../lib/live';
import { say, sayFailed } from '../../lib/toasts';
import { deviceOf } from './device';
import { Section } from './section';
import classes from './sessions.module.css';

graphql(`
  fragment OpenSession on UserSession { id userAgent createdAt lastUsedAt isCurrent }
`);
const MySessions = graphql(`
  query MySessions @live { me { id sessions { ...OpenSession } } }
`);
const EndSession = graphql(`
  mutation EndSession($input: EndSessionInput!) { endSession(input: $input) { session { id } } }
`);

export function Sessions() {
  const signOut = useSignOut();
  const { data, failure, retry } = useLive(MySessions, {});
  const [isLeaving, setLeaving] = useState(false);
  const sessions = data?.me?.sessions;
  return (
    <Section
      title="Sessions"
      about="Where you are signed in. What ends is refused at once, also in open windows."
    >
      {failure && !sessions ? (
        <FailedLine error={failure} retry={retry} />
      ) : sessions ? (
        <ul className={classes.list}>
          {sessions
            .toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent))
            .map((session) => (
              <Session key={session.id} session={session} />
            ))}
        </ul>
      ) : (
        <Skeleton h={56} />
      )}
      <Group>
        <Button variant="default" onClick={() => signOut()}>
          Sign out here
        </Button>
        <Button
          variant="default"
          loading={isLeaving}
          onClick={() => {
            setLeaving(true);
            signOut({ everywhere: true })
              .catch(sayFailed)
              .finally(() => setLeaving(false));
          }}
        >
          Sign out everywhere
        </Button>
      </Group>
    </Section>
  );
}

function Session({ session }: { session: OpenSessionFragment }) {
  const end = useAct(EndSession);
  const [isEnding, setEnding] = useState(false);
  const { id, userAgent, createdAt, lastUsedAt, isCurrent } = session;
  const device = deviceOf(userAgent);
  return (
    <li className={classes.session}>
      <div className={classes.told}>
        <strong title={userAgent ?? undefined}>{device}</strong>
        <span className="quiet">
          Signed in <RelativeTime at={createdAt} />, used <RelativeTime at={lastUsedAt} />
        </span>
      </div>
      {isCurrent ? (
        <Badge variant="light" tt="none">
          This one
        </Badge>
      ) : (
        <Button
          variant="default"
          size="compact-sm"
          loading={isEnding}
          aria-label={`End the session of ${device}`}
          onClick={() => {
            setEnding(true);
            end({ input: { id } })
              .then(() => say(`${device} is signed out.`))
              .catch(sayFailed)
              .finally(() => setEnding(false));
          }}
        >
          End
        </Button>
      )}
    </li>
  );
}
