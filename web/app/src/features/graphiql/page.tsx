// GraphiQL in the frame. It is large, so it is loaded when it is shown, and not when its link is pointed at.
import { lazy, Suspense } from 'react';
import { Lines, Page } from '../../components/page';
import { useSession } from '../../lib/session';

const Editor = lazy(() => import('./editor'));

export function GraphiqlPage() {
  // Who is signed in decides what is run, so it is known first.
  const { state, me } = useSession();
  return (
    <Page title="GraphiQL">
      {state === 'restoring' || (state === 'in' && !me) ? (
        <Lines />
      ) : (
        <Suspense fallback={<Lines />}>
          <Editor />
        </Suspense>
      )}
    </Page>
  );
}
