// What is shown of a post. Mutations are answered with all of it, too: the cache takes what else it has of a post, such as its text,
// for that of the version that it is told.
import { UserNameParts } from '../../components/user-name';
import { graphql } from '../../lib/graphql';

void UserNameParts;
export const PostCardParts = graphql(`
  fragment PostCard on Post {
    id version message likeCount commentCount likedByMe createdAt updatedAt author { ...UserName }
  }
`);
