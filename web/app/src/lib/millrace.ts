// The one client of the page, and where its session is kept: in this tab, or on this device when the person asked for that.
// docs/architecture/app.md argues why.
import { createClient, memoryStore, type Store, webStore } from '@millrace/client';

const keepKey = 'millrace:keep-session';

function storeIn(name: 'localStorage' | 'sessionStorage'): Store {
  try {
    if (globalThis[name]) return webStore(globalThis[name]);
  } catch {
    // The page may keep nothing.
  }
  return memoryStore();
}

const tab = storeIn('sessionStorage');
const device = storeIn('localStorage');
const isKept = () => device.get(keepKey) !== null;

export const sessions: Store = {
  get: async (key) => (await tab.get(key)) ?? (await device.get(key)),
  set: async (key, value) => {
    const [to, other] = isKept() ? [device, tab] : [tab, device];
    await to.set(key, value);
    await other.remove(key);
  },
  remove: async (key) => {
    await tab.remove(key);
    await device.remove(key);
  },
  keys: () => tab.keys(),
};

export const millrace = createClient({
  url: new URL('/graphql', globalThis.location.href).href,
  sessions,
});

/** Whether the session that is being begun in this tab outlives the browser. */
let isWanted: boolean | undefined;
// It has begun, also where the same person was signed in before, and is stored after this. Of one that another tab began, that tab
// has said where it is kept.
millrace.onSession((change) => {
  if (change === 'ended' || change === 'left' || isWanted === undefined) return;
  if (isWanted) device.set(keepKey, '');
  else device.remove(keepKey);
});

/** Begins a session, in this tab or also on this device. When that is refused, the one before stays where it is. */
export async function beginSession<T>(
  begin: () => Promise<T>,
  { isKept = false } = {},
): Promise<T> {
  isWanted = isKept;
  try {
    return await begin();
  } finally {
    isWanted = undefined;
  }
}
