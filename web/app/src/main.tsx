import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/first.css';
import './styles/tokens.css';
import './styles/base.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/app';

// A deploy has replaced the files that this page would load next: the new page has them. Once only, so that no page reloads for
// ever; drafts are kept in the tab.
const reloadedKey = 'millrace:reloaded';
window.addEventListener('vite:preloadError', (event) => {
  try {
    if (Date.now() - Number(sessionStorage.getItem(reloadedKey)) < 60_000) return;
    sessionStorage.setItem(reloadedKey, String(Date.now()));
  } catch {
    // What cannot be kept could not be said to be the second time.
    return;
  }
  event.preventDefault();
  location.reload();
});

createRoot(document.getElementById('app') as HTMLElement).render(<App />);
