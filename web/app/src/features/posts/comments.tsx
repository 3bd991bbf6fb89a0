// The comments of a post, the newest at the end, live; older ones on demand.
import { ActionIcon, Button, Group, Text, Textarea } from '@mantine/core';
import { modals } from '@mantine/modals';
import { Pencil, Trash2 } from 'lucide-react';
import { useRef, useState } from 'react';
import { useClient } from 'urql';
import { Failed } from '../../components/failed';
import { Lines } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar, UserNameParts } from '../../components/user-name';
import type { CommentPartsFragment } from '../../generated/graphql';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useAct, useLive } from '../../lib/live';
import { useSession } from '../../lib/session';
import { sayFailed } from '../../lib/toasts';
import classes from './detail.module.css';
import { Left, longestComment } from './text-length';

void UserNameParts;
const CommentParts = graphql(`
  fragment CommentParts on Comment { id number text createdAt editedAt author { ...UserName } }
`);
void CommentParts;
const LatestComments = graphql(`
  query LatestComments($id: ID!) @live {
    post(id: $id) {
      id
      version
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
      version
      comments(last: 100, before: $before) {
        pageInfo { hasPreviousPage startCursor }
        nodes { ...CommentParts }
      }
    }
  }
`);
const AddComment = graphql(`
  mutation AddComment($input: AddCommentInput!) {
    addComment(input: $input) { comment { ...CommentParts } post { id version commentCount } }
  }
`);
const UpdateComment = graphql(`
  mutation UpdateComment($input: UpdateCommentInput!) {
    updateComment(input: $input) { comment { ...CommentParts } post { id version } }
  }
`);
const DeleteComment = graphql(`
  mutation DeleteComment($input: DeleteCommentInput!) {
    deleteComment(input: $input) { comment { id text } post { id version commentCount } }
  }
`);

export function Comments({ postId }: { postId: string }) {
  const urql = useClient();
  const { me } = useSession();
  const { data, failure, isLoading, retry } = useLive(LatestComments, { id: postId });
  const [older, setOlder] = useState<{
    comments: readonly CommentPartsFragment[];
    cursor: string | undefined;
  }>();
  const [isReading, setReading] = useState(false);
  const latest = data?.post?.comments;
  /** What was there when it was opened is not new. */
  const known = useRef<Set<string>>(undefined);
  if (latest) known.current ??= new Set(latest.nodes.map(({ id }) => id));
  if (failure && !data) return <Failed error={failure} retry={retry} />;
  if (isLoading || !latest) return <Lines count={3} />;
  const cursor = older ? older.cursor : latest.pageInfo.startCursor;
  const hasOlder = older ? older.cursor !== undefined : latest.pageInfo.hasPreviousPage;
  const readOlder = async () => {
    setReading(true);
    const { data, error } = await urql
      .query(OlderComments, { id: postId, before: cursor ?? '' }, { requestPolicy: 'network-only' })
      .toPromise();
    setReading(false);
    const page = data?.post?.comments;
    if (error || !page) return sayFailed(error ?? new Error('There is no such post'));
    const { hasPreviousPage, startCursor } = page.pageInfo;
    setOlder({
      comments: [...page.nodes, ...(older?.comments ?? [])],
      cursor: hasPreviousPage ? (startCursor ?? undefined) : undefined,
    });
  };
  const shown = new Map(
    [...(older?.comments ?? []), ...latest.nodes].map((comment) => [comment.id, comment]),
  );
  return (
    <>
      {hasOlder && (
        <Button variant="subtle" size="compact-sm" loading={isReading} onClick={readOlder}>
          Show older
        </Button>
      )}
      <ol className={classes.comments} aria-label="Comments">
        {[...shown.values()].map((comment) => (
          <Comment
            key={comment.id}
            postId={postId}
            comment={comment}
            isNew={!known.current?.has(comment.id) && comment.author.id !== me?.id}
            gone={() =>
              setOlder(
                older && {
                  ...older,
                  comments: older.comments.filter(({ id }) => id !== comment.id),
                },
              )
            }
          />
        ))}
      </ol>
      <NewComment postId={postId} />
    </>
  );
}

function Comment({
  postId,
  comment: { id, author, text, createdAt, editedAt },
  isNew,
  gone,
}: {
  postId: string;
  comment: CommentPartsFragment;
  isNew: boolean;
  gone: () => void;
}) {
  const { me, isFor } = useSession();
  const update = useAct(UpdateComment);
  const remove = useAct(DeleteComment);
  const [isEditing, setEditing] = useState(false);
  const isOwn = author.id === me?.id;
  const ask = () =>
    modals.openConfirmModal({
      title: 'Delete this comment?',
      children: <Text size="sm">It is deleted for everybody, for good.</Text>,
      labels: { confirm: 'Delete comment', cancel: 'Keep it' },
      confirmProps: { color: 'red' },
      onConfirm: () => remove({ input: { postId, id } }).then(gone, sayFailed),
    });
  return (
    <li className={classes.comment} data-new={isNew || undefined}>
      <UserAvatar person={author} size={24} />
      <div>
        <Text size="sm">
          <strong>{author.name}</strong>{' '}
          <span className="quiet">
            · <RelativeTime at={createdAt} />
            {editedAt && ' · edited'}
          </span>
        </Text>
        {isEditing ? (
          <CommentForm
            label="Edit comment"
            draft={`comment:${id}`}
            text={text ?? ''}
            action="Save"
            send={async (text) => {
              await update({ input: { postId, id, text } });
              setEditing(false);
            }}
            cancel={() => setEditing(false)}
          />
        ) : (
          <p className={classes.said}>{text}</p>
        )}
      </div>
      {!isEditing && (isOwn || isFor('staff')) && (
        <Group gap={0} className={classes.own}>
          {isOwn && (
            <ActionIcon aria-label="Edit comment" onClick={() => setEditing(true)}>
              <Pencil size={14} />
            </ActionIcon>
          )}
          <ActionIcon aria-label="Delete comment" onClick={ask}>
            <Trash2 size={14} />
          </ActionIcon>
        </Group>
      )}
    </li>
  );
}

function NewComment({ postId }: { postId: string }) {
  const add = useAct(AddComment);
  return (
    <CommentForm
      label="Write a comment"
      draft={`comment:${postId}`}
      text=""
      action="Comment"
      send={(text) => add({ input: { postId, text } })}
    />
  );
}

function CommentForm({
  label,
  draft,
  text,
  action,
  send,
  cancel,
}: {
  label: string;
  draft: string;
  text: string;
  action: string;
  send: (text: string) => Promise<unknown>;
  cancel?: () => void;
}) {
  const { me } = useSession();
  const form = useServerForm({ draft: `${me?.id}:${draft}`, initialValues: { text } });
  const typed = form.values.text;
  const submit = form.send(async (values) => {
    await send(values.text.trim());
    form.setValues({ text });
  });
  return (
    <form onSubmit={submit}>
      <Textarea
        aria-label={label}
        placeholder={label}
        autoFocus={cancel !== undefined}
        autosize
        minRows={1}
        maxRows={10}
        {...form.getInputProps('text')}
        error={form.errors.text ?? form.refusal}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
          if (event.key === 'Escape' && cancel) {
            event.stopPropagation();
            cancel();
          }
        }}
      />
      {(typed !== text || cancel) && (
        <Group gap="xs" justify="flex-end" mt={8}>
          <Left text={typed} most={longestComment} />
          {cancel && (
            <Button variant="default" size="compact-sm" onClick={cancel}>
              Cancel
            </Button>
          )}
          <Button
            type="submit"
            size="compact-sm"
            loading={form.isSending}
            disabled={!typed.trim() || [...typed].length > longestComment}
          >
            {action}
          </Button>
        </Group>
      )}
    </form>
  );
}
