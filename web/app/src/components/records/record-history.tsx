// The history of a record, live at its newest end; older events are read when they are asked for, and never change.
import { Title } from '@mantine/core';
import { useMemo, useState } from 'react';
import { graphql } from '../../lib/graphql';
import { sayFailed } from '../../lib/toasts';
import { Timeline } from '../timeline';
import type { Fields } from './fields';
import { entriesOf, type RecordEvent, withoutGap } from './history';

export const RecordHistoryPart = graphql(`
  fragment RecordHistory on EventConnection {
    edges { cursor node { version type occurredAt data actor { name ... on User { id } } } }
  }
`);

export interface HistoryPart {
  edges: readonly { cursor: string; node: RecordEvent }[];
}

interface Props {
  /** The record's name in the data of its events. */
  name: string;
  fields: Fields;
  verbs: Record<string, string>;
  newest: HistoryPart;
  /** Reads what was before a cursor. */
  older: (before: string) => Promise<HistoryPart | null | undefined>;
}

/** Give it the id of the record as its key. */
export function RecordHistory({ name, fields, verbs, newest, older }: Props) {
  const [known] = useState(() => new Map<number, HistoryPart['edges'][number]>());
  const [read, setRead] = useState({ count: 0, isEnd: false });
  const take = (part: HistoryPart) => {
    for (const edge of part.edges) known.set(edge.node.version, edge);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was read is in `known`, and counted
  const events = useMemo(() => {
    take(newest);
    return withoutGap([...known.values()].map(({ node }) => node));
  }, [newest, read.count]);
  const first = events[0];
  const hasMore = first !== undefined && first.version > 1 && !read.isEnd;
  // The oldest is only there for the others to be compared with.
  const entries = entriesOf(events, name, fields, verbs).slice(0, hasMore ? -1 : undefined);
  return (
    <section>
      <Title order={2} size="h3" mb="sm">
        History
      </Title>
      <Timeline
        entries={entries}
        hasMore={hasMore}
        loadMore={async () => {
          const cursor = first && known.get(first.version)?.cursor;
          if (!cursor) return;
          try {
            const part = await older(cursor);
            if (part) take(part);
            setRead(({ count }) => ({ count: count + 1, isEnd: !part || part.edges.length === 0 }));
          } catch (cause) {
            sayFailed(cause);
          }
        }}
      />
    </section>
  );
}
