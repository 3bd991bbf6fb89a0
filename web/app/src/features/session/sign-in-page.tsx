import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useSession } from '../../lib/session';
import { DemoPeople } from './demo-people';
import { Entrance } from './entrance';
import { SignInForm } from './sign-in-form';

const route = getRouteApi('/sign-in');

export function SignInPage() {
  const { next } = route.useSearch();
  useLeaveWhenIn(next);
  return (
    <Entrance
      title="Sign in"
      foot={
        <>
          New here?{' '}
          <Link to="/register" search={next ? { next } : {}}>
            Make an account
          </Link>
          . Or <Link to="/forgot-password">set a new password</Link>.
        </>
      }
    >
      <SignInForm />
      <DemoPeople />
    </Entrance>
  );
}

/** Goes on once somebody is signed in, here or in another tab. */
export function useLeaveWhenIn(next = '/chats'): void {
  const { state } = useSession();
  const navigate = useNavigate();
  useEffect(() => {
    if (state === 'in') navigate({ href: next, replace: true });
  }, [state, next, navigate]);
}
