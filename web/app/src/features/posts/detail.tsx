// One post: its text, who likes it, what is said about it, and what it was at each of its versions.
import { ActionIcon, Group, Menu, Stack, Text, Title } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Ellipsis, FileX, Pencil, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { ask } from '../../components/ask';
import { EmptyState } from '../../components/empty-state';
import { Failed } from '../../components/failed';
import { Lines, Pane } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar, UserName, UserNameParts } from '../../components/user-name';
import { hasDraft } from '../../lib/form';
import { graphql } from '../../lib/graphql';
import { stayed } from '../../lib/here';
import { useAct, useLive } from '../../lib/live';
import { useSession } from '../../lib/session';
import { say, sayFailed } from '../../lib/toasts';
import { Comments } from './comments';
import classes from './detail.module.css';
import { EditPost } from './edit-post';
import { LikeButton } from './like-button';
import { PostCardParts } from './post-parts';
import { Versions } from './versions';

void UserNameParts;
void PostCardParts;
const PostDetails = graphql(`
  query PostDetails($id: ID!) @live {
    post(id: $id) { ...PostCard likers(first: 12) { nodes { ...UserName } } }
  }
`);
const DeletePost = graphql(`
  mutation DeletePost($input: DeletePostInput!) { deletePost(input: $input) { post { id } } }
`);

const route = getRouteApi('/posts/$id');

export function PostDetail() {
  const { id } = route.useParams();
  return <Post key={id} id={id} />;
}

function Post({ id }: { id: string }) {
  const { me, isFor } = useSession();
  const navigate = useNavigate();
  const { data, failure, isLoading, retry } = useLive(PostDetails, { id });
  const remove = useAct(DeletePost);
  // What was typed before a reload, or before somebody left, is taken up again.
  const [isEditing, setEditing] = useState(() => hasDraft(`edit:${id}`));
  const post = data?.post;
  const isOwn = post !== undefined && post?.author.id === me?.id;
  const deleteIt = () =>
    ask({
      title: 'Delete this post?',
      text: 'Its comments and likes go with it, for everybody, for good.',
      confirm: 'Delete post',
      act: async () => {
        const isHere = stayed();
        try {
          await remove({ input: { id } });
          if (isHere()) navigate({ to: '/posts', search: true } as never);
          say('The post was deleted.');
        } catch (cause) {
          sayFailed(cause);
        }
      },
    });
  return (
    <Pane
      title={post ? `Post by ${post.author.name}` : 'Post'}
      to="/posts"
      actions={
        post &&
        (isOwn || isFor('staff')) && (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label="What can be done with this post">
                <Ellipsis size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {isOwn && (
                <Menu.Item leftSection={<Pencil size={14} />} onClick={() => setEditing(true)}>
                  Edit
                </Menu.Item>
              )}
              <Menu.Item color="red" leftSection={<Trash2 size={14} />} onClick={deleteIt}>
                Delete
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )
      }
    >
      {failure && !data && <Failed error={failure} retry={retry} />}
      {isLoading && !failure && <Lines />}
      {data && !post && (
        <EmptyState icon={FileX} title="There is no such post">
          It may have been deleted.
        </EmptyState>
      )}
      {post && (
        <Stack gap="lg">
          <article>
            <Group gap="sm" mb="sm">
              <UserName person={post.author} isLink size={32} />
              <Text size="sm" c="dimmed">
                <RelativeTime at={post.createdAt} />
              </Text>
            </Group>
            {isEditing && isOwn ? (
              <EditPost post={post} close={() => setEditing(false)} />
            ) : (
              <p className={classes.text} dir="auto">
                {post.message}
              </p>
            )}
            <Group gap="xs" mt="xs" justify="space-between">
              <LikeButton post={post} />
              <span className={classes.likers}>
                {post.likers?.nodes.map(({ id, name, avatarUrl }) => (
                  <span key={id} title={name}>
                    <UserAvatar person={{ id, name, avatarUrl }} size={22} />
                  </span>
                ))}
              </span>
            </Group>
          </article>
          <section>
            <Title order={2} size="h3" mb="xs">
              {post.commentCount} {post.commentCount === 1 ? 'comment' : 'comments'}
            </Title>
            <Comments postId={id} />
          </section>
          <section>
            <Title order={2} size="h3" mb="xs">
              Versions
            </Title>
            <Versions key={id} id={id} version={post.version} message={post.message} />
          </section>
        </Stack>
      )}
    </Pane>
  );
}
