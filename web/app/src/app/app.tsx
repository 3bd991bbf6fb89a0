// What is around all pages: the look, the session with its cache, dialogs, toasts, and the router.
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { RouterProvider } from '@tanstack/react-router';
import { lazy, StrictMode, Suspense } from 'react';
import { SessionProvider } from '../lib/session';
import { theme } from '../styles/theme';
import { router } from './router';

// Nothing is said in the first moment.
const Toasts = lazy(() => import('./toasts'));
const colorScheme = localStorageColorSchemeManager({ key: 'millrace:color-scheme' });

export function App() {
  return (
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colorScheme}>
        <SessionProvider>
          <RouterProvider router={router} />
          <Suspense>
            <Toasts />
          </Suspense>
        </SessionProvider>
      </MantineProvider>
    </StrictMode>
  );
}
