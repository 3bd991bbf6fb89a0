// What is around every page: the frame, unless the page does without, the keys, and the palette. A first visit needs none of
// them, so they are loaded when they are.
import { Outlet, useMatches } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useKeys } from './keys';

const Frame = lazy(() => import('./frame'));
const Palette = lazy(() => import('./palette'));

export function Shell() {
  const isBare = useMatches().some(({ staticData }) => staticData.isBare);
  const [overlay, setOverlay] = useState<{ what: 'palette' | 'keys'; count: number }>();
  const show = (what: 'palette' | 'keys') =>
    setOverlay((last) => ({ what, count: (last?.count ?? 0) + 1 }));
  useKeys(show);
  return (
    <>
      {isBare ? (
        <Outlet />
      ) : (
        <Suspense>
          <Frame search={() => show('palette')}>
            <Outlet />
          </Frame>
        </Suspense>
      )}
      {overlay && (
        <Suspense>
          <Palette key={overlay.count} what={overlay.what} />
        </Suspense>
      )}
    </>
  );
}
