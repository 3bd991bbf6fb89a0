// A post as it was: a slider over its versions, each read from its events, and what is different in it now.
//
// A version is the same for ever, and has the id of the post. So it goes past the cache, which knows one state of an id.
import { Button, Group, Slider, Text } from '@mantine/core';
import { MillraceError } from '@millrace/client';
import { diffWordsWithSpace } from 'diff';
import { useEffect, useMemo, useState } from 'react';
import { useOlderEvents } from '../../components/records/older-events';
import { RelativeTime } from '../../components/relative-time';
import { Timeline } from '../../components/timeline';
import type { PostVersionQuery } from '../../generated/graphql';
import { asFailure, explain } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import { millrace } from '../../lib/millrace';
import classes from './detail.module.css';
import { verbs } from './verbs';

const PostVersion = graphql(`
  query PostVersion($id: ID!, $version: Int!) {
    post(id: $id, asOfVersion: $version) {
      message likeCount commentCount
      comments(last: 5) { nodes { id text author { name } } }
    }
  }
`);
export const VersionsPart = graphql(`
  fragment VersionsPart on EventConnection {
    edges { cursor node { version type occurredAt actor { name ... on User { id } } } }
  }
`);
const PostHistory = graphql(`
  query PostHistory($id: ID!) @live {
    post(id: $id) {
      id
      history(last: 100) { ...VersionsPart }
    }
  }
`);
const OlderHistory = graphql(`
  query OlderHistory($id: ID!, $before: String!) {
    post(id: $id) { history(last: 100, before: $before) { ...VersionsPart } }
  }
`);

type Was = NonNullable<PostVersionQuery['post']>;
const shownEntries = 20;
/** A long text may have many versions. */
const mostKnown = 50;

/** Give it the id of the post as its key. */
export function Versions({
  id,
  version: newest,
  message,
}: {
  id: string;
  version: number;
  message: string;
}) {
  const [chosen, setChosen] = useState<number>();
  const version = Math.min(chosen ?? newest, newest);
  const { data } = useLive(PostHistory, { id });
  const { events, hasMore, loadMore } = useOlderEvents(data?.post?.history, async (before) => {
    const { data } = await millrace.query({ query: OlderHistory, variables: { id, before } });
    return data.post?.history;
  });
  const event = events.find((each) => each.version === version);
  const { was, failure } = useVersion(id, chosen === undefined ? undefined : version);
  const [isAll, setAll] = useState(false);
  const entries = events.toReversed();
  const readOn = async () => {
    await loadMore();
    setAll(true);
  };
  return (
    <>
      {newest > 1 && (
        <div className={classes.slider}>
          <Slider
            aria-label="Version"
            thumbLabel="Version"
            min={1}
            max={newest}
            value={version}
            onChange={(value) => setChosen(value === newest ? undefined : value)}
            label={(value) => `Version ${value}`}
            marks={[
              { value: 1, label: 'First' },
              { value: newest, label: 'Now' },
            ]}
          />
        </div>
      )}
      {chosen !== undefined && (
        <section className={classes.was} aria-label={`Version ${version}`}>
          <Group justify="space-between" gap="xs">
            <Text size="sm">
              <strong>Version {version}</strong>
              {event && (
                <span className="quiet">
                  {' '}
                  · {event.actor.name} {verbs[event.type] ?? event.type} ·{' '}
                  <RelativeTime at={event.occurredAt} />
                </span>
              )}
            </Text>
            <Button size="compact-xs" variant="default" onClick={() => setChosen(undefined)}>
              Back to now
            </Button>
          </Group>
          {failure && <p>{explain(asFailure(failure))}</p>}
          {was && <Difference was={was} message={message} />}
        </section>
      )}
      <div style={{ marginTop: 16 }}>
        <Timeline
          entries={(isAll ? entries : entries.slice(0, shownEntries)).map(
            ({ version, type, actor, occurredAt }) => ({
              id: String(version),
              actor,
              verb: verbs[type] ?? type,
              at: occurredAt,
            }),
          )}
          hasMore={hasMore || (!isAll && entries.length > shownEntries)}
          loadMore={isAll || entries.length <= shownEntries ? readOn : () => setAll(true)}
        />
      </div>
    </>
  );
}

function Difference({ was, message }: { was: Was; message: string }) {
  const parts = useMemo(() => diffWordsWithSpace(was.message, message), [was.message, message]);
  return (
    <>
      <p>
        {parts.map(({ value, added, removed }, place) => {
          const Tag = added ? 'ins' : removed ? 'del' : 'span';
          // biome-ignore lint/suspicious/noArrayIndexKey: parts have no names, and no state
          return <Tag key={place}>{value}</Tag>;
        })}
      </p>
      <Text size="xs" c="dimmed">
        {was.message === message
          ? 'The text was the same as now. '
          : 'Struck out is what is gone since, marked is what came. '}
        {was.likeCount} {was.likeCount === 1 ? 'like' : 'likes'}, {was.commentCount}{' '}
        {was.commentCount === 1 ? 'comment' : 'comments'}
        {was.comments.nodes.length > 0 && `, the last by ${was.comments.nodes.at(-1)?.author.name}`}
        .
      </Text>
    </>
  );
}

/** What was read stays shown until the next is here. */
function useVersion(id: string, version: number | undefined) {
  const [known] = useState(() => new Map<number, Was>());
  const [shown, setShown] = useState<Was>();
  const [failure, setFailure] = useState<Error>();
  useEffect(() => {
    setFailure(undefined);
    if (version === undefined) return setShown(undefined);
    const was = known.get(version);
    if (was) return setShown(was);
    const aborting = new AbortController();
    // Not each version that the thumb passes.
    const timer = setTimeout(async () => {
      try {
        const { data } = await millrace.query(
          { query: PostVersion, variables: { id, version } },
          { signal: aborting.signal },
        );
        const [oldest] = known.keys();
        if (known.size >= mostKnown && oldest !== undefined) known.delete(oldest);
        if (data.post) known.set(version, data.post);
        if (aborting.signal.aborted) return;
        if (data.post) setShown(data.post);
        else setFailure(new MillraceError('NOT_FOUND', 'This version is not there'));
      } catch (cause) {
        if (!aborting.signal.aborted) setFailure(cause as Error);
      }
    }, 80);
    return () => {
      clearTimeout(timer);
      aborting.abort();
    };
  }, [id, version, known]);
  // What failed is not shown as what another version was.
  return { was: version === undefined || failure ? undefined : shown, failure };
}
