// Likes a post, or takes the like back; it shows at once.
import { UnstyledButton } from '@mantine/core';
import { Heart } from 'lucide-react';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { sayFailed } from '../../lib/toasts';
import classes from './post-card.module.css';

const LikePost = graphql(`
  mutation LikePost($input: LikePostInput!) {
    likePost(input: $input) { post { id version likeCount likedByMe } }
  }
`);
const UnlikePost = graphql(`
  mutation UnlikePost($input: UnlikePostInput!) {
    unlikePost(input: $input) { post { id version likeCount likedByMe } }
  }
`);

export function LikeButton({
  post: { id, likedByMe, likeCount },
}: {
  post: { id: string; likedByMe: boolean; likeCount: number };
}) {
  const like = useAct(LikePost);
  const unlike = useAct(UnlikePost);
  return (
    <UnstyledButton
      className={classes.action}
      data-liked={likedByMe || undefined}
      aria-pressed={likedByMe}
      aria-label={`Like, ${likeCount} ${likeCount === 1 ? 'like' : 'likes'}`}
      onClick={() => (likedByMe ? unlike : like)({ input: { id } }).catch(sayFailed)}
    >
      <Heart size={16} aria-hidden /> {likeCount}
    </UnstyledButton>
  );
}
