// What the demonstration reads and does. Everything goes to the gateway that served the page.
import type { Client } from '@millrace/client';
import type {
  DemoChatFragment,
  DemoCustomerFragment,
  DemoPostFragment,
} from '../../generated/graphql';
import { graphql } from '../../lib/graphql';

graphql(`
  fragment DemoMessage on Message { id text createdAt deletedAt author { id name } }
`);
graphql(`
  fragment DemoChat on Chat { id version messages(first: 30) { nodes { ...DemoMessage } } }
`);
graphql(`
  fragment DemoPost on Post { id version message likeCount author { name } }
`);
graphql(`
  fragment DemoCustomer on Customer { id version name status updatedBy { name } }
`);
const OpenChat = graphql(`
  mutation DemoChatOfTwo($input: CreateChatInput!) { createChat(input: $input) { chat { id } } }
`);
const ReadChat = graphql(`
  query DemoChatNow($id: ID!) {
    chat(id: $id) { ...DemoChat }
    posts(first: 1, sort: { field: CREATED_AT, direction: ASC }) { nodes { ...DemoPost } }
    customers(first: 1, sort: { field: CREATED_AT, direction: ASC }) { nodes { ...DemoCustomer } }
  }
`);
export const ChatEvents = graphql(`
  subscription DemoChatEvents($id: ID!, $after: String) {
    chatEvents(id: $id, after: $after) { version message { ...DemoMessage } }
  }
`);
export const PostEvents = graphql(`
  subscription DemoPostEvents($id: ID!, $after: String) {
    postChanged(id: $id, after: $after) { version post { ...DemoPost } }
  }
`);
export const CustomerEvents = graphql(`
  subscription DemoCustomerEvents($id: ID!, $after: String) {
    customerChanged(id: $id, after: $after) { version customer { ...DemoCustomer } }
  }
`);
export const Send = graphql(`
  mutation DemoSend($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }
`);
export const Like = graphql(`
  mutation DemoLike($input: LikePostInput!) { likePost(input: $input) { post { id } } }
`);
export const Unlike = graphql(`
  mutation DemoUnlike($input: UnlikePostInput!) { unlikePost(input: $input) { post { id } } }
`);
export const Change = graphql(`
  mutation DemoChange($input: UpdateCustomerInput!) { updateCustomer(input: $input) { customer { id } } }
`);

export interface Stage {
  chat: DemoChatFragment;
  post: DemoPostFragment;
  customer: DemoCustomerFragment;
  cursor: string;
}

/** The chat of the two, the first post and the first customer, as of one cursor. */
export async function findStage(first: Client, secondId: string): Promise<Stage> {
  const input = { kind: 'DIRECT' as const, memberIds: [secondId] };
  const opened = await first.mutate({ query: OpenChat, variables: { input } });
  const id = opened.data.createChat?.chat.id ?? '';
  const { data, extensions } = await first.query({ query: ReadChat, variables: { id } });
  const [post, customer] = [data.posts?.nodes[0], data.customers?.nodes[0]];
  if (!data.chat || !post || !customer) throw new Error('The demo data are gone');
  return { chat: data.chat, post, customer, cursor: String(extensions?.cursor) };
}
