// The GraphiQL plugin to sign in with, and to see who is signed in.
import { type GraphiQLPlugin, useGraphiQLActions } from '@graphiql/react';
import { useState } from 'react';
import { signOut } from './account';
import { SignInForm } from './SignInForm';
import { type User, useAccount } from './store';

function AccountPanel() {
  const account = useAccount();
  const { setVisiblePlugin } = useGraphiQLActions();
  return (
    <section className="account" aria-labelledby="account-title">
      <h2 id="account-title">Account</h2>
      {account.state === 'restoring' && <p role="status">Continuing your session…</p>}
      {account.state === 'signedIn' && <SignedIn user={account.user} />}
      {account.state === 'signedOut' && (
        <SignInForm notice={account.notice} onDone={() => setVisiblePlugin('Examples')} />
      )}
    </section>
  );
}

function SignedIn({ user }: { user: User | undefined }) {
  const [isLeaving, setIsLeaving] = useState(false);

  async function leave(everywhere: boolean) {
    setIsLeaving(true);
    await signOut(everywhere);
  }

  return (
    <>
      <p>You are signed in. Everything you run here is done as</p>
      <div className="account-card">
        <span className="account-name">{user?.name ?? 'Unknown user'}</span>
        {user && <span className="account-role">{user.role}</span>}
        {user?.email && <span className="account-email">{user.email}</span>}
      </div>
      <p>
        The access token goes with every request and with the socket, and is renewed before its time
        is over. What is running goes on.
      </p>
      <div className="account-actions">
        <button type="button" disabled={isLeaving} onClick={() => leave(false)}>
          Sign out
        </button>
        <button type="button" disabled={isLeaving} onClick={() => leave(true)}>
          Sign out everywhere
        </button>
      </div>
    </>
  );
}

function AccountIcon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <circle cx="8" cy="5.25" r="3" />
      <path d="M2.25 14c.6-2.9 2.9-4.25 5.75-4.25s5.15 1.35 5.75 4.25" strokeLinecap="round" />
    </svg>
  );
}

export const accountPlugin: GraphiQLPlugin = {
  title: 'Account',
  icon: AccountIcon,
  content: AccountPanel,
};
