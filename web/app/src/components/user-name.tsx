// Who: their picture or initials in a colour of their own, the name, and whether they are here.
import { Avatar, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { UserNameFragment } from '../generated/graphql';
import { graphql } from '../lib/graphql';
import classes from './user-name.module.css';

export const UserNameParts = graphql(`
  fragment UserName on User { id name avatarUrl availability }
`);

export interface Person {
  id?: string;
  name: string;
  avatarUrl?: string | null | undefined;
  availability?: UserNameFragment['availability'];
}

const said = { ONLINE: 'online', AWAY: 'away', BUSY: 'busy', OFFLINE: 'offline' } as const;

export function UserAvatar({ person, size = 24 }: { person: Person; size?: number }) {
  return (
    <span className={classes.avatar}>
      <Avatar
        size={size}
        radius="xl"
        src={person.avatarUrl ?? null}
        aria-hidden
        className={classes.letters}
        data-hue={hueOf(person.id ?? person.name)}
      >
        {initials(person.name)}
      </Avatar>
      {person.availability && person.availability !== 'OFFLINE' && (
        <span
          className={classes.dot}
          data-availability={person.availability}
          title={said[person.availability]}
        />
      )}
    </span>
  );
}

export function UserName({
  person,
  isLink = false,
  size = 24,
}: {
  person: Person;
  isLink?: boolean;
  size?: number;
}) {
  const name = (
    <Group gap={8} wrap="nowrap" component="span" className={classes.name}>
      <UserAvatar person={person} size={size} />
      <span className="cut" dir="auto">
        {person.name}
      </span>
    </Group>
  );
  if (!isLink || !person.id) return name;
  return (
    <Link to="/users/$id" params={{ id: person.id }} className={classes.link}>
      {name}
    </Link>
  );
}

/** A letter as people see it: a flag, or a family of several people, is one. Browsers of before 2024 may not know. */
const letters =
  typeof Intl.Segmenter === 'function'
    ? new Intl.Segmenter(undefined, { granularity: 'grapheme' })
    : undefined;

function firstLetter(word: string): string {
  if (!letters) return [...word][0] ?? '';
  for (const { segment } of letters.segment(word)) return segment;
  return '';
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  const [first = '?', last = ''] = [words[0], words.length > 1 ? words.at(-1) : ''];
  return `${firstLetter(first)}${firstLetter(last)}`.toUpperCase();
}

function hueOf(text: string): number {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  return sum % 6;
}
