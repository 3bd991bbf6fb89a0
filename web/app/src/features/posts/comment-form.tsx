// Where a comment is written, and where it is edited.
import { Button, Group, Textarea } from '@mantine/core';
import type { ReactNode } from 'react';
import { Conflict } from '../../components/conflict';
import type { CommentPartsFragment } from '../../generated/graphql';
import { useEditForm } from '../../lib/edit';
import { type ServerForm, useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { CommentParts } from './comment-parts';
import { PostCardParts } from './post-parts';
import { Left, longestComment } from './text-length';

void CommentParts;
void PostCardParts;
const AddComment = graphql(`
  mutation AddComment($input: AddCommentInput!) {
    addComment(input: $input) { comment { ...CommentParts } post { ...PostCard } }
  }
`);
const UpdateComment = graphql(`
  mutation UpdateComment($input: UpdateCommentInput!) {
    updateComment(input: $input) { comment { ...CommentParts } post { ...PostCard } }
  }
`);

export function NewComment({ postId }: { postId: string }) {
  const add = useAct(AddComment);
  const form = useServerForm({ draft: `comment:${postId}`, initialValues: { text: '' } });
  const submit = form.send(({ text }) => add({ input: { postId, text: text.trim() } }), {
    isCleared: true,
  });
  return <Form label="Write a comment" action="Comment" form={form} submit={submit} />;
}

export function EditComment({
  comment: { id, text, createdAt, editedAt },
  changed,
  close,
}: {
  comment: CommentPartsFragment;
  changed: (comment: CommentPartsFragment) => void;
  close: () => void;
}) {
  const update = useAct(UpdateComment);
  // Comments have no versions; one is edited later than it was before.
  const current = { version: Date.parse(editedAt ?? createdAt), values: { text: text ?? '' } };
  const form = useEditForm(current, { text: 'Text' }, { draft: `comment:${id}` });
  const { conflict } = form;
  const submit = form.send(async ({ text }) => {
    const { updateComment } = await update({ input: { id, text: text.trim() } });
    if (updateComment) changed(updateComment.comment);
    close();
  });
  const cancel = () => {
    form.discard();
    close();
  };
  return (
    <Form
      label="Edit comment"
      action="Save"
      form={form}
      submit={submit}
      cancel={cancel}
      isBlocked={conflict !== undefined}
    >
      {conflict && <Conflict by="Another window of yours" {...conflict} />}
    </Form>
  );
}

function Form({
  label,
  action,
  form,
  submit,
  cancel,
  isBlocked = false,
  children,
}: {
  label: string;
  action: string;
  form: Omit<ServerForm<{ text: string }>, 'send'>;
  submit: (event?: React.FormEvent<HTMLFormElement>) => void;
  cancel?: () => void;
  isBlocked?: boolean;
  children?: ReactNode;
}) {
  const typed = form.values.text;
  const canSend = (text: string) =>
    text.trim() !== '' && [...text].length <= longestComment && !isBlocked;
  return (
    <form onSubmit={submit}>
      {children}
      <Textarea
        dir="auto"
        aria-label={label}
        placeholder={label}
        autoFocus={cancel !== undefined}
        autosize
        minRows={1}
        maxRows={10}
        {...form.getInputProps('text')}
        error={form.errors.text ?? form.refusal}
        onKeyDown={(event) => {
          const isMeant = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
          if (isMeant && canSend(form.getValues().text)) submit();
          if (event.key === 'Escape' && cancel) {
            event.stopPropagation();
            cancel();
          }
        }}
      />
      {(typed !== '' || cancel) && (
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
            disabled={!canSend(typed)}
          >
            {action}
          </Button>
        </Group>
      )}
    </form>
  );
}
