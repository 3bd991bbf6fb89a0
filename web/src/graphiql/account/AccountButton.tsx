// Beside the page's name: who is signed in, or that nobody is. Opens the account panel.
import { openAccount } from './openAccount';
import { useAccount } from './store';

export function AccountButton() {
  const account = useAccount();
  if (account.state === 'restoring') return null;
  const isSignedIn = account.state === 'signedIn';
  return (
    <button
      type="button"
      className={isSignedIn ? 'account-button' : 'account-button account-button-prominent'}
      onClick={openAccount}
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
