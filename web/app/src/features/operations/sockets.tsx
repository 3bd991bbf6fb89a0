// How many sockets the people in view have, and at which gateways. No event tells of each socket, so they are asked for every few
// seconds while the page is seen, beside the cache. Rows are drawn again only when something of theirs changes: the cells of this
// column hear of it by themselves.
import { Tooltip } from '@mantine/core';
import { createContext, useContext, useEffect, useState } from 'react';
import type { SocketsOfUsersQuery } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { millrace } from '../../lib/millrace';
import classes from './operations.module.css';

const SocketsOfUsers = graphql(`
  query SocketsOfUsers($ids: [ID!]!) {
    nodes(ids: $ids) { ... on User { id sockets { gateway socketCount since } } }
  }
`);

type User = Extract<NonNullable<SocketsOfUsersQuery['nodes']>[number], { id: string }>;
type AtGateway = NonNullable<User['sockets']>[number];
/** By user; nothing of those who were not asked for yet. */
type Sockets = ReadonlyMap<string, readonly AtGateway[]>;

const askedEveryMs = 5_000;
const time = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const SocketsShown = createContext<Sockets>(new Map());

/** The sockets of these people, as of the last answer. The list should be the same each time. */
export function useSockets(ids: readonly string[]): Sockets {
  const [sockets, setSockets] = useState<Sockets>(new Map());
  useEffect(() => {
    if (ids.length === 0) return;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      if (document.visibilityState === 'visible') {
        // What was shown stays when an answer fails; the next may come.
        const answer = await millrace
          .query({ query: SocketsOfUsers, variables: { ids: [...ids] } })
          .catch(() => undefined);
        if (isOver) return;
        if (answer?.data) setSockets(byUser(answer.data));
      }
      timer = setTimeout(ask, askedEveryMs);
    };
    ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [ids]);
  return sockets;
}

function byUser({ nodes }: SocketsOfUsersQuery): Sockets {
  const found = new Map<string, readonly AtGateway[]>();
  for (const node of nodes ?? [])
    if (node && 'sockets' in node) found.set(node.id, node.sockets ?? []);
  return found;
}

export function SocketsCell({ userId }: { userId: string }) {
  const found = useContext(SocketsShown).get(userId);
  if (!found) return null;
  if (found.length === 0) return <span className="quiet">none</span>;
  const count = found.reduce((sum, { socketCount }) => sum + socketCount, 0);
  const where = found.length > 1 && ` at ${found.length} gateways`;
  const lines = found.map(
    ({ gateway, socketCount, since }) =>
      `${socketCount} at ${gateway || 'a gateway of an earlier version'} since ${time.format(new Date(since))}`,
  );
  return (
    <Tooltip
      label={lines.join('\n')}
      className={classes.lines}
      events={{ hover: true, focus: true, touch: true }}
    >
      <button type="button" className={classes.told}>
        {count.toLocaleString('en')}
        {where}
      </button>
    </Tooltip>
  );
}
