// Signing out leads to the first page, unless the page is for everybody: what was open belonged to somebody.
import { useRouter } from '@tanstack/react-router';
import { useCallback } from 'react';
import { useSession } from './session';

export function useSignOut(): (options?: { everywhere?: boolean }) => Promise<void> {
  const { signOut } = useSession();
  const router = useRouter();
  return useCallback(
    async (options) => {
      await signOut(options);
      const isForSome = router.state.matches.some(({ staticData }) => staticData.audience);
      if (isForSome) await router.navigate({ to: '/' });
    },
    [signOut, router],
  );
}
