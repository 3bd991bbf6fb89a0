// The comments of a post, the newest at the end, live; older ones on demand.
import { ActionIcon, Button, Group, Text } from '@mantine/core';
import { MillraceError } from '@millrace/client';
import { Pencil, Trash2 } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { ask } from '../../components/ask';
import { Failed } from '../../components/failed';
import { Lines } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar } from '../../components/user-name';
import type { CommentPartsFragment } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useAct, useLive } from '../../lib/live';
import { useSession } from '../../lib/session';
import { sayFailed } from '../../lib/toasts';
import { EditComment, NewComment } from './comment-form';
import { type CommentLog, withChanged, withLatest, withOlder, without } from './comment-log';
import { CommentParts } from './comment-parts';
import classes from './detail.module.css';
import { PostCardParts } from './post-parts';

void CommentParts;
void PostCardParts;
const LatestComments = graphql(`
  query LatestComments($id: ID!) @live {
    post(id: $id) {
      id
      commentCount
      comments(last: 50) {
        pageInfo { hasPreviousPage startCursor }
        nodes { ...CommentParts }
      }
    }
  }
`);
const OlderComments = graphql(`
  query OlderComments($id: ID!, $before: String!) {
    post(id: $id) {
      id
      comments(last: 100, before: $before) {
        pageInfo { hasPreviousPage startCursor }
        nodes { ...CommentParts }
      }
    }
  }
`);
const DeleteComment = graphql(`
  mutation DeleteComment($input: DeleteCommentInput!) {
    deleteComment(input: $input) { comment { id text } post { ...PostCard } }
  }
`);

export function Comments({ postId }: { postId: string }) {
  const urql = useClient();
  const { me } = useSession();
  const { data, failure, isLoading, retry } = useLive(LatestComments, { id: postId });
  const [log, setLog] = useState<CommentLog<CommentPartsFragment>>();
  const [isReading, setReading] = useState(false);
  const latest = data?.post?.comments;
  useEffect(() => {
    if (latest) setLog((before) => withLatest(before, latest));
  }, [latest]);
  /** What was there when it was opened is not new. */
  const known = useRef<Set<string>>(undefined);
  if (latest) known.current ??= new Set(latest.nodes.map(({ id }) => id));
  if (failure && !data) return <Failed error={failure} retry={retry} />;
  if (isLoading || !log) return <Lines count={3} />;
  const readOlder = async () => {
    setReading(true);
    const before = log.cursor ?? '';
    const { data, error } = await urql
      .query(OlderComments, { id: postId, before }, { requestPolicy: 'network-only' })
      .toPromise();
    setReading(false);
    const page = data?.post?.comments;
    if (!page)
      return sayFailed(error ?? new MillraceError('NOT_FOUND', 'The post is not there any more'));
    for (const { id } of page.nodes) known.current?.add(id);
    // Not when a window that did not reach what was here took its place.
    setLog((now) => (now?.cursor === before ? withOlder(now, page) : now));
  };
  return (
    <>
      {log.cursor !== undefined && (
        <Button variant="subtle" size="compact-sm" loading={isReading} onClick={readOlder}>
          Show older
        </Button>
      )}
      <ol className={classes.comments} aria-label="Comments">
        {log.comments.map((comment) => (
          <Comment
            key={comment.id}
            comment={comment}
            isNew={!known.current?.has(comment.id) && comment.author.id !== me?.id}
            gone={() => setLog((now) => now && without(now, comment.id))}
            changed={(it) => setLog((now) => now && withChanged(now, it))}
          />
        ))}
      </ol>
      <NewComment postId={postId} />
    </>
  );
}

function Comment({
  comment,
  isNew,
  gone,
  changed,
}: {
  comment: CommentPartsFragment;
  isNew: boolean;
  gone: () => void;
  changed: (comment: CommentPartsFragment) => void;
}) {
  const { id, author, text, createdAt, editedAt } = comment;
  const { me, isFor } = useSession();
  const remove = useAct(DeleteComment);
  const [isEditing, setEditing] = useState(false);
  const isOwn = author.id === me?.id;
  const deleteIt = () =>
    ask({
      title: 'Delete this comment?',
      text: 'It is deleted for everybody, for good.',
      confirm: 'Delete comment',
      act: () => remove({ input: { id } }).then(gone, sayFailed),
    });
  return (
    <li className={classes.comment} data-new={isNew || undefined}>
      <UserAvatar person={author} size={24} />
      <div>
        <Text size="sm">
          <strong dir="auto">{author.name}</strong>{' '}
          <span className="quiet">
            · <RelativeTime at={createdAt} />
            {editedAt && ' · edited'}
          </span>
        </Text>
        {isEditing ? (
          <EditComment comment={comment} changed={changed} close={() => setEditing(false)} />
        ) : (
          <p className={classes.said} dir="auto">
            {text}
          </p>
        )}
      </div>
      {!isEditing && (isOwn || isFor('staff')) && (
        <Group gap={0} className={classes.own}>
          {isOwn && (
            <ActionIcon aria-label="Edit comment" onClick={() => setEditing(true)}>
              <Pencil size={14} />
            </ActionIcon>
          )}
          <ActionIcon aria-label="Delete comment" onClick={deleteIt}>
            <Trash2 size={14} />
          </ActionIcon>
        </Group>
      )}
    </li>
  );
}
