// Keys that work everywhere, unless somebody types: `/`, `?`, Ctrl+K, and `g` with the letter of a page.
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useSession } from '../lib/session';
import { places } from './navigation';

const sequenceMs = 1_000;

export function useKeys(show: (what: 'palette' | 'keys') => void): void {
  const navigate = useNavigate();
  const { isFor } = useSession();
  const latest = useRef({ show, navigate, isFor });
  latest.current = { show, navigate, isFor };
  useEffect(() => {
    let goAt = Number.NEGATIVE_INFINITY;
    const pressed = (event: KeyboardEvent) => {
      const { show, navigate, isFor } = latest.current;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        show('palette');
        return;
      }
      const isTyping = (event.target as HTMLElement).closest?.(
        'input, textarea, select, [contenteditable=true], [role=dialog]',
      );
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented)
        return;
      const isAfterGo = performance.now() - goAt < sequenceMs;
      goAt = Number.NEGATIVE_INFINITY;
      if (isAfterGo) {
        const place = places.find(({ key }) => key === event.key);
        if (place && isFor(place.audience)) navigate({ to: place.to });
        else if (event.key === 'h') navigate({ to: '/' });
        else return;
        event.preventDefault();
      } else if (event.key === 'g') goAt = performance.now();
      else if (event.key === '?') show('keys');
      else if (event.key === '/') {
        event.preventDefault();
        const field = document.querySelector<HTMLInputElement>('input[data-search]');
        if (field) field.focus();
        else show('palette');
      }
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, []);
}
