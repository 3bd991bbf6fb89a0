// New messages while something else is looked at: how many in the rail and the title, a word at the edge, and a notification of
// the browser where it was asked for. Whoever is busy is left in peace.
import { Text, UnstyledButton } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { setAttention } from '../../lib/attention';
import { useEvents } from '../../lib/events';
import { graphql } from '../../lib/graphql';
import { useSession } from '../../lib/session';
import { useDelivery } from './delivery';
import { notify } from './notify';
import { isLookedAt } from './reading';
import { useUnreadChats } from './unread';

const NewMessages = graphql(`
  subscription NewMessages($after: String) {
    myChats(after: $after) {
      type
      occurredAt
      actor { name ... on User { id } }
      chatId
      chat { id title }
      message { id text }
    }
  }
`);

/** What is older when it comes, as after a long interruption, is in the counts, and no news. */
const newMs = 60_000;
const shownMs = 6_000;

export default function ChatNews() {
  const chats = useUnreadChats();
  useDelivery(chats);
  const unread = chats.reduce((sum, { unreadCount }) => sum + unreadCount, 0);
  useEffect(() => {
    setAttention('/chats', unread);
    return () => setAttention('/chats', 0);
  }, [unread]);

  const { me } = useSession();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  useEvents(NewMessages, {}, ({ myChats: news }) => {
    if (news.type !== 'MESSAGE_SENT' || news.message?.text == null) return;
    const { actor, chatId, chat, message, occurredAt } = news;
    const isOwn = 'id' in actor && actor.id === me?.id;
    const isOld = Date.now() - Date.parse(occurredAt) > newMs;
    const isSeen = isLookedAt() && pathname === `/chats/${chatId}`;
    if (isOwn || isOld || isSeen || me?.availability === 'BUSY') return;
    const open = () => navigate({ to: '/chats/$id', params: { id: chatId } });
    const title = chat?.title ? `${actor.name} in ${chat.title}` : actor.name;
    if (!isLookedAt()) notify(title, message.text ?? '', chatId, open);
    // Who looks at the list sees it there.
    if (pathname.startsWith('/chats')) return;
    // One a chat: the latest.
    notifications.hide(chatId);
    notifications.show({
      id: chatId,
      autoClose: shownMs,
      message: (
        <UnstyledButton
          onClick={() => {
            notifications.hide(chatId);
            open();
          }}
        >
          <Text size="sm" fw={600}>
            {title}
          </Text>
          <Text size="sm" lineClamp={2}>
            {message.text}
          </Text>
        </UnstyledButton>
      ),
    });
  });
  return null;
}
