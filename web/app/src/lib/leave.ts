// Signing out leads to the first page: what was open belonged to somebody.
import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import { useSession } from './session';

export function useSignOut(): (options?: { everywhere?: boolean }) => Promise<void> {
  const { signOut } = useSession();
  const navigate = useNavigate();
  return useCallback(
    async (options) => {
      await signOut(options);
      await navigate({ to: '/' });
    },
    [signOut, navigate],
  );
}
