// One chat: its head, its messages, who types, and where to write.
import { ActionIcon, Button, Title, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ArrowLeft, MessageCircleOff, Users } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { EmptyState } from '../../components/empty-state';
import { Failed, FailedLine } from '../../components/failed';
import { Lines } from '../../components/page';
import { usePresence } from '../../components/presence';
import { UserAvatar, UserNameParts } from '../../components/user-name';
import { usePageTitle } from '../../lib/attention';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import { useSession } from '../../lib/session';
import { Composer } from './composer';
import { useConversation } from './conversation';
import classes from './detail.module.css';
import { Members } from './members';
import { MessageList } from './message-list';
import { nameOf, partnerOf } from './names';
import { useOutgoing } from './outgoing';
import { TypingLine } from './typing';

void UserNameParts;
const ChatHead = graphql(`
  query ChatHead($id: ID!) @live {
    chat(id: $id) {
      id kind title version memberCount createdAt
      members { role joinedAt user { ...UserName lastSeenAt } }
    }
  }
`);

const route = getRouteApi('/chats/$id');

export function ChatDetail() {
  const { id } = route.useParams();
  // Another chat is another conversation: nothing of the one is left in the other.
  return <Chat key={id} id={id} />;
}

const said = { ONLINE: 'Online', AWAY: 'Away', BUSY: 'Busy', OFFLINE: 'Offline' } as const;

function Chat({ id }: { id: string }) {
  const { me } = useSession();
  // There the list stands behind it.
  const isPhone = useMediaQuery('(max-width: 767px)') ?? false;
  const { data, failure, retry } = useLive(ChatHead, { id });
  const chat = data?.chat;
  const talk = useConversation(id);
  const outgoing = useOutgoing(id);
  const [areMembersShown, setMembersShown] = useState(false);
  const [editing, setEditing] = useState<string>();
  const partner = chat && partnerOf(chat, me?.id);
  // Who was removed may be added again.
  const wasGone = useRef(false);
  const { conversation } = talk;
  const isOut = data !== undefined && !chat;
  useEffect(() => {
    if (wasGone.current && !isOut) conversation.restart();
    wasGone.current = isOut;
  }, [isOut, conversation]);
  usePageTitle(chat ? nameOf(chat, me?.id) : 'Chat');
  usePresence(chat?.members.map(({ user }) => user.id) ?? []);
  if (talk.isGone || isOut)
    return (
      <EmptyState
        isCentered
        icon={MessageCircleOff}
        title="You are not in this chat"
        action={
          <Button component={Link} to="/chats" variant="default">
            Back to your chats
          </Button>
        }
      >
        It was never yours, or you left it or were removed. Who is in it can add you.
      </EmptyState>
    );
  const { messages } = talk;
  const editLast = () => {
    const last = messages.findLast(({ author, text }) => author.id === me?.id && text != null);
    if (last) setEditing(last.id);
  };
  return (
    <section className={classes.chat} aria-label={chat ? nameOf(chat, me?.id) : 'Chat'}>
      <header className={classes.head}>
        <ActionIcon
          component={Link}
          to="/chats"
          size={44}
          className={classes.back}
          aria-label="Back to your chats"
        >
          <ArrowLeft size={20} />
        </ActionIcon>
        {partner && <UserAvatar person={partner} size={28} />}
        <div className={classes.title}>
          <Title order={isPhone ? 1 : 2} size="h2" className="cut" dir="auto">
            {chat && nameOf(chat, me?.id)}
          </Title>
          {partner?.availability && <span className="quiet">{said[partner.availability]}</span>}
        </div>
        {chat?.kind === 'GROUP' && (
          <Tooltip label="Members and settings">
            <Button
              variant="default"
              size="compact-sm"
              leftSection={<Users size={14} />}
              aria-label={`${chat.memberCount} members and settings`}
              onClick={() => setMembersShown(true)}
            >
              {chat.memberCount}
            </Button>
          </Tooltip>
        )}
      </header>
      {talk.error && messages.length === 0 ? (
        <Failed
          error={talk.error}
          retry={() => {
            talk.conversation.restart();
            retry();
          }}
        />
      ) : talk.isLoading && messages.length === 0 ? (
        <div className={classes.loading}>
          <Lines count={8} />
        </div>
      ) : (
        <MessageList
          chatId={id}
          talk={talk}
          outgoing={outgoing}
          isGroup={chat?.kind === 'GROUP'}
          editing={editing}
          setEditing={setEditing}
        />
      )}
      {talk.error && messages.length > 0 && (
        <div className={classes.failed}>
          <FailedLine error={talk.error} retry={conversation.restart} />
        </div>
      )}
      {failure && !data && messages.length > 0 && <Failed error={failure} retry={retry} />}
      <div className={classes.foot}>
        <TypingLine chatId={id} />
        <Composer
          chatId={id}
          name={chat ? nameOf(chat, me?.id) : ''}
          newest={messages.at(-1)?.number ?? 0}
          editLast={editLast}
        />
      </div>
      {chat?.kind === 'GROUP' && (
        <Members chat={chat} isOpen={areMembersShown} close={() => setMembersShown(false)} />
      )}
    </section>
  );
}
