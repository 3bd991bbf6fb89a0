// Edits a post. If it was changed elsewhere meanwhile, both texts are shown, with what they make together: nothing is lost.
import { Button, Group, Stack, Textarea } from '@mantine/core';
import { useState } from 'react';
import { useClient } from 'urql';
import { Conflict } from '../../components/conflict';
import { asFailure } from '../../lib/errors';
import { useServerForm } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { mergeTexts } from '../../lib/merge-text';
import { Left, longestPost } from './text-length';

const UpdatePost = graphql(`
  mutation UpdatePost($input: UpdatePostInput!) {
    updatePost(input: $input) { post { id version message updatedAt } }
  }
`);

const PostNow = graphql(`
  query PostNow($id: ID!) { post(id: $id) { id version message updatedAt } }
`);
const mostTries = 8;

interface State {
  version: number;
  message: string;
}

export function EditPost({ post, close }: { post: State & { id: string }; close: () => void }) {
  const update = useAct(UpdatePost);
  const urql = useClient();
  /** What the edit began with. Likes and comments make versions, too; they do not matter to it. */
  const [base, setBase] = useState<State>({ version: post.version, message: post.message });
  const form = useServerForm({
    draft: `edit:${post.id}`,
    guard: true,
    initialValues: { message: post.message },
  });
  const { message } = form.values;
  const isChangedElsewhere = post.message !== base.message;
  const merge = isChangedElsewhere ? mergeTexts(base.message, message, post.message) : undefined;
  /** The post once it has this version: what is read may be moments behind. */
  const read = async (version: number) => {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const { data } = await urql
        .query(PostNow, { id: post.id }, { requestPolicy: 'network-only' })
        .toPromise();
      if (data?.post && data.post.version >= version) return data.post;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    return undefined;
  };
  const take = (text: string) => {
    form.setFieldValue('message', text);
    setBase({ version: post.version, message: post.message });
  };
  const submit = form.send(async ({ message }) => {
    let { version } = post;
    for (let tries = 0; ; tries += 1) {
      try {
        await update({ input: { id: post.id, expectedVersion: version, message: message.trim() } });
        return close();
      } catch (cause) {
        const failure = asFailure(cause as Error);
        const current = failure.errors[0]?.extensions?.currentVersion;
        if (failure.code !== 'CONFLICT' || typeof current !== 'number' || tries === mostTries)
          throw cause;
        const now = await read(current);
        // Somebody may have liked it in between. Another text is shown above, to be decided on.
        if (now?.message !== base.message) throw cause;
        version = now.version;
      }
    }
  });
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {merge && (
          <Conflict
            differences={[{ field: 'Text', mine: message, theirs: post.message, both: merge.text }]}
            takeBoth={() => take(merge.text)}
            keepMine={() => take(message)}
            takeTheirs={() => take(post.message)}
          />
        )}
        <Textarea
          autoFocus
          autosize
          minRows={3}
          maxRows={20}
          aria-label="Text of the post"
          {...form.getInputProps('message')}
          error={form.errors.message ?? form.refusal}
        />
        <Group gap="xs" justify="flex-end">
          <Left text={message} most={longestPost} />
          <Button
            variant="default"
            onClick={() => {
              form.reset();
              sessionStorage.removeItem(`millrace:draft:edit:${post.id}`);
              close();
            }}
          >
            Cancel
          </Button>
          <Button
            type="submit"
            loading={form.isSending}
            disabled={isChangedElsewhere || !message.trim() || [...message].length > longestPost}
          >
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
