// What happened to something: who, what, and what changed from what to what.

import { Button } from '@mantine/core';
import { useState } from 'react';
import { RelativeTime } from './relative-time';
import classes from './timeline.module.css';
import { type Person, UserAvatar } from './user-name';

export interface TimelineEntry {
  id: string;
  actor: Person;
  /** In the past tense, after the name: "changed the status". */
  verb: string;
  changes?: { field: string; from?: string | null; to?: string | null }[];
  at: string;
}

export function Timeline({
  entries,
  hasMore = false,
  loadMore,
}: {
  /** Newest first. */
  entries: readonly TimelineEntry[];
  hasMore?: boolean;
  loadMore?: () => unknown;
}) {
  const [isLoading, setLoading] = useState(false);
  return (
    <>
      <ol className={classes.timeline} aria-label="History">
        {entries.map(({ id, actor, verb, changes = [], at }) => (
          <li key={id} className={classes.entry}>
            <UserAvatar person={actor} size={22} />
            <div className={classes.told}>
              <strong dir="auto">{actor.name}</strong> {verb}{' '}
              <span className="quiet">
                · <RelativeTime at={at} />
              </span>
              {changes.map(({ field, from, to }) => (
                <div key={field} className={classes.change}>
                  <span className="quiet">{field}</span>
                  {from != null && <del dir="auto">{from}</del>}
                  {from != null && to != null && <span aria-hidden>→</span>}
                  {to != null && <ins dir="auto">{to}</ins>}
                </div>
              ))}
            </div>
          </li>
        ))}
      </ol>
      {hasMore && loadMore && (
        <Button
          variant="subtle"
          size="compact-sm"
          loading={isLoading}
          onClick={async () => {
            setLoading(true);
            try {
              await loadMore();
            } finally {
              setLoading(false);
            }
          }}
        >
          Show older
        </Button>
      )}
    </>
  );
}
