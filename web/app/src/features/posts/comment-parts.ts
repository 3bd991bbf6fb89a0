// What is shown of a comment.
import { UserNameParts } from '../../components/user-name';
import { graphql } from '../../lib/graphql';

void UserNameParts;
export const CommentParts = graphql(`
  fragment CommentParts on Comment { id number text createdAt editedAt author { ...UserName } }
`);
