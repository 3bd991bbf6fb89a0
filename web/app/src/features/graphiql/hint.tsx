// Under a response that was refused: what the reader can do about it. Under one that began a session: to go on with it.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { beginSession, millrace } from '../../lib/millrace';
import { useSession } from '../../lib/session';
import { sayFailed } from '../../lib/toasts';
import { type Seen, useSeen } from './seen';

export function Hint() {
  const { refusal, issued } = useSeen();
  const { me } = useSession();
  const { code, reason, retryAfterSeconds } = refusal?.extensions ?? {};
  let hint: ReactNode;
  // Wrong credentials have another reason: the answer itself says what to do.
  if (code === 'UNAUTHENTICATED' && !me && reason !== 'INVALID')
    hint = (
      <>
        Sign in to run this.
        <Link to="/sign-in" search={{ next: '/graphiql' } as never}>
          Sign in
        </Link>
      </>
    );
  else if (code === 'FORBIDDEN')
    hint = me
      ? `${me.name} has the role ${me.role.toLowerCase()} and may not do this.`
      : 'You may not do this.';
  else if (code === 'RATE_LIMITED')
    hint = `Too many attempts. Try again in ${retryAfterSeconds ?? 'some'} s.`;
  else if (issued && issued.userId !== me?.id)
    hint = (
      <>
        The answer has a session of {issued.name}.
        <Button size="compact-sm" onClick={() => goOn(issued).catch(sayFailed)}>
          Go on as {issued.name}
        </Button>
      </>
    );
  return <div role="alert">{hint && <div className="access-hint">{hint}</div>}</div>;
}

function goOn({ session, userId }: NonNullable<Seen['issued']>): Promise<void> {
  return beginSession(() => millrace.useSession(session, userId));
}
