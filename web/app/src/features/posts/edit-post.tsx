// Edits a post. If it was changed elsewhere meanwhile, both texts are shown, with what they make together: nothing is lost.
import { Button, Group, Stack, Textarea } from '@mantine/core';
import { useClient } from 'urql';
import { Conflict } from '../../components/conflict';
import { useEditForm } from '../../lib/edit';
import { asFailure } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { mergeTexts } from '../../lib/merge-text';
import { PostCardParts } from './post-parts';
import { Left, longestPost } from './text-length';

void PostCardParts;
const UpdatePost = graphql(`
  mutation UpdatePost($input: UpdatePostInput!) {
    updatePost(input: $input) { post { ...PostCard } }
  }
`);

const PostNow = graphql(`
  query PostNow($id: ID!) { post(id: $id) { ...PostCard } }
`);
const mostTries = 8;

interface State {
  version: number;
  message: string;
}

export function EditPost({ post, close }: { post: State & { id: string }; close: () => void }) {
  const update = useAct(UpdatePost);
  const urql = useClient();
  const form = useEditForm(
    { version: post.version, values: { message: post.message } },
    { message: 'Text' },
    { draft: `edit:${post.id}`, guard: true },
  );
  const { message } = form.values;
  const { base, conflict } = form;
  const both = conflict && mergeTexts(base.values.message, message, post.message).text;
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
  const submit = form.send(async ({ message }) => {
    // Likes and comments make versions, too; they do not matter to it.
    let { version } = base;
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
        if (now?.message !== base.values.message) throw cause;
        version = now.version;
      }
    }
  });
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {conflict && both !== undefined && (
          <Conflict
            {...conflict}
            differences={conflict.differences.map((each) => ({ ...each, both }))}
            takeBoth={() => {
              conflict.keepMine();
              form.setFieldValue('message', both);
            }}
          />
        )}
        <Textarea
          dir="auto"
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
              form.discard();
              close();
            }}
          >
            Cancel
          </Button>
          <Button
            type="submit"
            loading={form.isSending}
            disabled={
              conflict !== undefined || !message.trim() || [...message].length > longestPost
            }
          >
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
