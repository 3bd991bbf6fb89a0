// An answer leads on from where it was asked for. Who has gone elsewhere meanwhile is not fetched back.

/** Returns what says whether the reader is still on this page. */
export function stayed(): () => boolean {
  const { pathname } = window.location;
  return () => window.location.pathname === pathname;
}
