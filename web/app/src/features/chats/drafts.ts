// What was typed into a chat and not sent, in this tab, under who typed it. The list of chats shows it.
import { useCallback, useSyncExternalStore } from 'react';
import { millrace } from '../../lib/millrace';

const listeners = new Set<() => void>();
/** What is here if the page may keep nothing. */
const memory = new Map<string, string>();

const keyOf = (chatId: string) => `millrace:draft:${millrace.userId}:${chatId}`;

export function draftOf(chatId: string): string {
  const key = keyOf(chatId);
  try {
    return sessionStorage.getItem(key) ?? memory.get(key) ?? '';
  } catch {
    return memory.get(key) ?? '';
  }
}

export function keepDraft(chatId: string, text: string): void {
  const key = keyOf(chatId);
  memory.set(key, text);
  try {
    if (text) sessionStorage.setItem(key, text);
    else sessionStorage.removeItem(key);
  } catch {
    // It stays as long as the page does.
  }
  for (const listener of listeners) listener();
}

export function useDraft(chatId: string): string {
  return useSyncExternalStore(
    useCallback((listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    }, []),
    () => draftOf(chatId),
  );
}
