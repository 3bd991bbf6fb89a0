// Examples of chats: two windows, signed in as two users, can talk to each other with them.
import createChat from './chats/create-chat.graphql?raw';
import listChats from './chats/list-chats.graphql?raw';
import readMessages from './chats/read-messages.graphql?raw';
import sendMessage from './chats/send-message.graphql?raw';
import setTyping from './chats/set-typing.graphql?raw';
import watchChat from './chats/watch-chat.graphql?raw';
import watchMyChats from './chats/watch-my-chats.graphql?raw';
import watchTyping from './chats/watch-typing.graphql?raw';
import type { Example } from './example';

const unknownChat = 'chat_';

export const chats: Example[] = [
  {
    title: 'Create a chat',
    sentence: 'With the user last seen in an answer, such as that of “List users”.',
    query: createChat,
    variables: ({ otherUserId }) => ({
      input: {
        kind: 'GROUP',
        title: 'Water under the bridge',
        memberIds: otherUserId ? [otherUserId] : [],
      },
    }),
  },
  {
    title: 'Send a message',
    sentence: 'To the chat last seen. Stored when answered, and on its way to every member.',
    query: sendMessage,
    variables: ({ chatId = unknownChat }) => ({ input: { chatId, text: 'Hello!' } }),
  },
  {
    title: 'Watch a chat',
    sentence: 'All that happens in it. Ends before the next message when you are removed.',
    live: true,
    query: watchChat,
    variables: ({ chatId = unknownChat }) => ({ id: chatId, after: null }),
  },
  {
    title: 'List my chats',
    sentence: 'By last activity, with what is unread and the last message.',
    query: listChats,
    variables: () => ({ first: 20, after: null }),
  },
  {
    title: 'Watch my chats',
    sentence: 'Every chat you are in or get into, as it moves.',
    live: true,
    query: watchMyChats,
    variables: () => ({ after: null }),
  },
  {
    title: 'Read the messages',
    sentence: 'Newest first, with their authors.',
    query: readMessages,
    variables: ({ chatId = unknownChat }) => ({ id: chatId, first: 20 }),
  },
  {
    title: 'Watch who is typing',
    sentence: 'Pushed to the members who look, and stored nowhere.',
    live: true,
    query: watchTyping,
    variables: ({ chatId = unknownChat }) => ({ id: chatId }),
  },
  {
    title: 'Say that you are typing',
    sentence: 'Watch it from a second window, signed in as another member.',
    query: setTyping,
    variables: ({ chatId = unknownChat }) => ({ input: { id: chatId } }),
  },
];
