// What a chat is called: a group by its title, a direct chat by who the other is.
import type { Person } from '../../components/user-name';

interface Named {
  kind: 'DIRECT' | 'GROUP';
  title?: string | null | undefined;
  members: readonly { user: Person & { id: string } }[];
}

export function partnerOf({ kind, members }: Named, self: string | undefined) {
  return kind === 'DIRECT' ? members.find(({ user }) => user.id !== self)?.user : undefined;
}

export function nameOf(chat: Named, self: string | undefined): string {
  return chat.title ?? partnerOf(chat, self)?.name ?? 'Chat';
}

/** Whether a search finds the chat for sure. The gateway knows more ways to write a name. */
export function isFound(
  chat: Named,
  search: string,
  kind: Named['kind'] | undefined,
  self: string | undefined,
): boolean {
  if (kind && chat.kind !== kind) return false;
  const sought = search.toLowerCase();
  const others = chat.members.filter(({ user }) => user.id !== self);
  const names = [chat.title ?? '', ...others.map(({ user }) => user.name)];
  return names.some((name) => name.toLowerCase().includes(sought));
}

/** "Ada is typing…" */
export function typingText(names: readonly string[]): string {
  const [first, second] = names;
  if (!first) return '';
  if (!second) return `${first} is typing…`;
  if (names.length === 2) return `${first} and ${second} are typing…`;
  return 'Several people are typing…';
}
