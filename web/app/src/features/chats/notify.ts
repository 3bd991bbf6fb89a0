// Notifications of the browser: only if they were asked for on this device, and it allows them.
const key = 'millrace:notify';

export const canNotify = typeof Notification !== 'undefined';

export function wantsNotify(): boolean {
  try {
    return canNotify && Notification.permission === 'granted' && localStorage.getItem(key) === '1';
  } catch {
    return false;
  }
}

export function setNotify(isWanted: boolean): void {
  try {
    if (isWanted) localStorage.setItem(key, '1');
    else localStorage.removeItem(key);
  } catch {
    // It holds for nothing if the page may keep nothing.
  }
}

/** Shows it once, however many tabs try, as they name it alike. */
export function notify(title: string, body: string, tag: string, open: () => void): void {
  if (!wantsNotify()) return;
  try {
    const shown = new Notification(title, { body, tag });
    shown.onclick = () => {
      window.focus();
      open();
      shown.close();
    };
  } catch {
    // Some browsers show them by service workers only.
  }
}
