// The events of one object: live at their newest end, and older ones read when they are asked for. Those never change.
import { useMemo, useState } from 'react';
import { sayFailed } from '../../lib/toasts';
import { withoutGap } from './history';

export interface EventsPart<Event> {
  edges: readonly { cursor: string; node: Event }[];
}

/** Belongs to one object: where another may follow, the component has the id as its key. */
export function useOlderEvents<Event extends { version: number }>(
  newest: EventsPart<Event> | null | undefined,
  /** Reads what was before a cursor. */
  older: (before: string) => Promise<EventsPart<Event> | null | undefined>,
) {
  const [known] = useState(() => new Map<number, EventsPart<Event>['edges'][number]>());
  const [read, setRead] = useState({ count: 0, isEnd: false });
  const take = (part: EventsPart<Event>) => {
    for (const edge of part.edges) known.set(edge.node.version, edge);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was read is in `known`, and counted
  const events = useMemo(() => {
    if (newest) take(newest);
    return withoutGap([...known.values()].map(({ node }) => node));
  }, [newest, read.count]);
  const first = events[0];
  return {
    /** Oldest first. */
    events,
    hasMore: first !== undefined && first.version > 1 && !read.isEnd,
    loadMore: async () => {
      const cursor = first && known.get(first.version)?.cursor;
      if (!cursor) return;
      try {
        const part = await older(cursor);
        if (part) take(part);
        setRead(({ count }) => ({ count: count + 1, isEnd: !part || part.edges.length === 0 }));
      } catch (cause) {
        sayFailed(cause);
      }
    },
  };
}
