import { List } from '@mantine/core';
import type { Me } from '../../lib/session';
import { Section } from './section';

const names = { MEMBER: 'member', STAFF: 'staff', ADMIN: 'administrator' } as const;
const rights = [
  ['MEMBER', 'Write in chats, posts and comments, and submit signals'],
  ['MEMBER', 'See who else is here'],
  ['STAFF', 'Work with customers and students'],
  ['STAFF', 'See email addresses, and remove the posts and comments of others'],
  ['ADMIN', 'Give roles, deactivate accounts, and make them active again'],
  ['ADMIN', 'Operate the gateway: event log, workers, dead letters'],
] as const;
const ranks = { MEMBER: 0, STAFF: 1, ADMIN: 2 } as const;

export function Rights({ me }: { me: Me }) {
  return (
    <Section
      title={`What you may do as ${names[me.role]}`}
      about="Administrators give roles. Another role applies at once, also to what is open."
    >
      <List size="sm" spacing={4}>
        {rights
          .filter(([role]) => ranks[role] <= ranks[me.role])
          .map(([, right]) => (
            <List.Item key={right}>{right}</List.Item>
          ))}
      </List>
    </Section>
  );
}
