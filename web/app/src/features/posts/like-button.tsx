// Likes a post, or takes the like back; it shows at once.
import { UnstyledButton } from '@mantine/core';
import { Heart } from 'lucide-react';
import { useCallback } from 'react';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { useWish } from '../../lib/wish';
import classes from './post-card.module.css';
import { PostCardParts } from './post-parts';

void PostCardParts;
const LikePost = graphql(`
  mutation LikePost($input: LikePostInput!) {
    likePost(input: $input) { post { ...PostCard } }
  }
`);
const UnlikePost = graphql(`
  mutation UnlikePost($input: UnlikePostInput!) {
    unlikePost(input: $input) { post { ...PostCard } }
  }
`);

export function LikeButton({
  post: { id, likedByMe, likeCount },
}: {
  post: { id: string; likedByMe: boolean; likeCount: number };
}) {
  const like = useAct(LikePost);
  const unlike = useAct(UnlikePost);
  const act = useCallback(
    (isLiked: boolean): Promise<unknown> => (isLiked ? like : unlike)({ input: { id } }),
    [like, unlike, id],
  );
  const [isLiked, wish] = useWish(`like:${id}`, likedByMe, act);
  const count = likeCount + Number(isLiked) - Number(likedByMe);
  return (
    <UnstyledButton
      className={classes.action}
      data-liked={isLiked || undefined}
      aria-pressed={isLiked}
      aria-label={`Like, ${count} ${count === 1 ? 'like' : 'likes'}`}
      onClick={() => wish(!isLiked)}
    >
      <Heart size={16} aria-hidden /> {count}
    </UnstyledButton>
  );
}
