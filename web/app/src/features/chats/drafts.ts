// What was typed into a chat and not sent. The list of chats shows it.
import { useCallback, useSyncExternalStore } from 'react';
import { keepText, onDrafts, readText } from '../../lib/drafts';

export const draftOf = (chatId: string): string => readText(chatId) ?? '';

export const keepDraft = (chatId: string, text: string): void => keepText(chatId, text);

export function useDraft(chatId: string): string {
  return useSyncExternalStore(
    onDrafts,
    useCallback(() => draftOf(chatId), [chatId]),
  );
}
