// Beside the page's name: who is signed in, or that nobody is. Opens the account panel.
import { useGraphiQLActions } from '@graphiql/react';
import { useAccount } from './store';

export function AccountButton() {
  const account = useAccount();
  const { setVisiblePlugin } = useGraphiQLActions();
  if (account.state === 'restoring') return null;
  const isSignedIn = account.state === 'signedIn';
  return (
    <button
      type="button"
      className={isSignedIn ? 'account-button' : 'account-button account-button-prominent'}
      onClick={() => setVisiblePlugin('Account')}
    >
      {isSignedIn ? (
        <>
          <span className="account-button-name">{account.user?.name ?? 'Signed in'}</span>
          {account.user && <span className="account-role">{account.user.role}</span>}
        </>
      ) : (
        'Sign in'
      )}
    </button>
  );
}
