// Under a response that was refused: what the reader can do about it.
import { useEffect } from 'react';
import { useSession } from '../session';
import { learnUser } from './account';
import { openAccount } from './openAccount';
import type { Refusal } from './refusal';
import { type Account, useAccount } from './store';

export function AccessHint() {
  const account = useAccount();
  const { refusal } = useSession();
  const hint = refusal && hintFor(refusal, account);

  // The role may be another than when this user signed in.
  useEffect(() => {
    if (refusal?.code === 'FORBIDDEN') learnUser();
  }, [refusal]);

  return (
    <div role="alert">
      {hint && (
        <div className="access-hint">
          <span>{hint.text}</span>
          {hint.action && (
            <button type="button" onClick={openAccount}>
              {hint.action}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

type Hint = { text: string; action?: string };

function hintFor(refusal: Refusal, account: Account): Hint | undefined {
  const user = account.state === 'signedIn' ? account.user : undefined;
  switch (refusal.code) {
    case 'UNAUTHENTICATED':
      if (account.state === 'signedIn') return undefined;
      // Wrong credentials have another reason: the answer itself says what to do.
      if (refusal.reason === 'INVALID') return undefined;
      return { text: 'Sign in to run this.', action: 'Sign in' };
    case 'FORBIDDEN':
      return {
        text: user ? `${user.name} (${user.role}) may not do this.` : 'You may not do this.',
        action: 'Change account',
      };
    case 'RATE_LIMITED':
      return { text: `Too many attempts. Try again in ${refusal.retryAfterSeconds ?? 'some'} s.` };
    default:
      return undefined;
  }
}
