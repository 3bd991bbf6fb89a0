// What a conversation shows of a message.
import { UserNameParts } from '../../components/user-name';
import { graphql } from '../../lib/graphql';

void UserNameParts;
export const MessageParts = graphql(`
  fragment MessageParts on Message {
    id number text createdAt editedAt deletedAt author { ...UserName }
  }
`);
