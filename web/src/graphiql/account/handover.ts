// Takes the refresh token over a reload of this tab. It is in sessionStorage from one page's end to
// the next one's start and never longer: a duplicated tab copies sessionStorage, and a refresh token
// that two tabs use is taken for stolen, which ends the session in both. For the same reason it is
// never in localStorage, where it would also outlive the browser on the disk.

const key = 'millrace.refreshToken';

/** What the page before left, once. */
export function takeHandedOver(): string | undefined {
  const token = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  return token ?? undefined;
}

/** Leaves what `token` gives when this page ends. */
export function handOver(token: () => string | undefined): void {
  window.addEventListener('pagehide', () => {
    const value = token();
    if (value) sessionStorage.setItem(key, value);
  });
  // A page that the browser kept alive comes back with its memory.
  window.addEventListener('pageshow', () => sessionStorage.removeItem(key));
}
