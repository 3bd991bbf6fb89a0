// GraphiQL calls the items of its row tabs, and puts two buttons into each, which readers of screens do not get to: a tab has no
// buttons inside. Here the items are items of a list, and the button that opens one says whether it is the current one.
import { useEffect } from 'react';

export function TabRoles() {
  useEffect(() => {
    const row = document.querySelector('.graphiql-tabs');
    if (!row) return;
    const mend = () => {
      row.setAttribute('role', 'list');
      for (const item of row.children) {
        const isCurrent = item.getAttribute('aria-selected');
        item.setAttribute('role', 'listitem');
        if (isCurrent === null) continue;
        item.removeAttribute('aria-selected');
        item.querySelector('button')?.setAttribute('aria-current', isCurrent);
      }
    };
    mend();
    // It is written anew when another is opened.
    const watcher = new MutationObserver(mend);
    watcher.observe(row, { childList: true, subtree: true, attributeFilter: ['aria-selected'] });
    return () => watcher.disconnect();
  }, []);
  return null;
}
