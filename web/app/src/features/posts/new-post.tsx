// Where a post is written.
import { Button, Group, Textarea } from '@mantine/core';
import { useState } from 'react';
import { UserAvatar } from '../../components/user-name';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { useSession } from '../../lib/session';
import classes from './new-post.module.css';
import { PostCardParts } from './post-parts';
import { Left, longestPost } from './text-length';

void PostCardParts;
const CreatePost = graphql(`
  mutation CreatePost($input: CreatePostInput!) { createPost(input: $input) { post { ...PostCard } } }
`);

export function NewPost() {
  const { me } = useSession();
  const create = useAct(CreatePost);
  const form = useServerForm({ draft: 'post', initialValues: { message: '' } });
  const [isFocused, setFocused] = useState(false);
  const { message } = form.values;
  const isOpen = isFocused || message !== '';
  const canSend = (text: string) => text.trim() !== '' && [...text].length <= longestPost;
  const submit = form.send(({ message }) => create({ input: { message: message.trim() } }), {
    isCleared: true,
  });
  return (
    <form className={classes.form} onSubmit={submit}>
      {me && <UserAvatar person={me} size={32} />}
      <div className={classes.field}>
        <Textarea
          dir="auto"
          aria-label="Write a post"
          placeholder="Write a post"
          autosize
          minRows={isOpen ? 3 : 1}
          maxRows={16}
          {...form.getInputProps('message')}
          error={form.errors.message ?? form.refusal}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
          onKeyDown={(event) => {
            const isMeant = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
            if (isMeant && canSend(form.getValues().message)) submit();
          }}
        />
        {isOpen && (
          <Group justify="flex-end" gap="sm" mt={8}>
            <Left text={message} most={longestPost} />
            <Button
              type="submit"
              loading={form.isSending}
              disabled={!canSend(message)}
              // Before the field loses its focus, and the button its place.
              onPointerDown={(event) => event.preventDefault()}
            >
              Publish
            </Button>
          </Group>
        )}
      </div>
    </form>
  );
}
