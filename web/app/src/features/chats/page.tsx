// The chats of the reader, with the one that is open beside them; on phones one or the other.
import { ActionIcon, Button, SegmentedControl, Title, Tooltip } from '@mantine/core';
import { Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { MessagesSquare, SquarePen } from 'lucide-react';
import { useState } from 'react';
import { EmptyState } from '../../components/empty-state';
import { SearchField } from '../../components/search-field';
import { usePageTitle } from '../../lib/attention';
import { choiceOf, useListSearch } from '../../lib/search';
import { ChatList } from './chat-list';
import { NewChat } from './new-chat';
import { NotifyButton } from './notify-button';
import classes from './page.module.css';

const kinds = ['GROUP', 'DIRECT'] as const;

export function ChatsPage() {
  usePageTitle('Chats');
  const { id: openId } = useParams({ strict: false });
  const { search, set } = useListSearch();
  const [kind] = choiceOf(search.kind, kinds);
  const [isMaking, setMaking] = useState(false);
  const navigate = useNavigate();
  return (
    <div className={classes.chats} data-open={openId !== undefined || undefined}>
      <section className={classes.list} aria-label="Chats">
        <header className={classes.header}>
          <Title order={1}>Chats</Title>
          <span className={classes.actions}>
            <NotifyButton />
            <Tooltip label="New chat">
              <ActionIcon size={32} aria-label="New chat" onClick={() => setMaking(true)}>
                <SquarePen size={18} />
              </ActionIcon>
            </Tooltip>
          </span>
        </header>
        <div className={classes.narrow}>
          <SearchField label="Find a chat" />
          <SegmentedControl
            size="xs"
            fullWidth
            aria-label="Kind"
            value={kind ?? ''}
            onChange={(value) => set({ kind: value || undefined })}
            data={[
              { value: '', label: 'All' },
              { value: 'GROUP', label: 'Groups' },
              { value: 'DIRECT', label: 'Direct' },
            ]}
          />
        </div>
        <ChatList
          kind={kind}
          text={search.search ?? ''}
          openId={openId}
          empty={
            <EmptyState
              icon={MessagesSquare}
              title="No chats yet"
              action={<Button onClick={() => setMaking(true)}>Start a chat</Button>}
            >
              A chat is with one person, or a group with a title.
            </EmptyState>
          }
        />
      </section>
      <div className={classes.conversation}>
        {openId ? (
          <Outlet />
        ) : (
          <EmptyState icon={MessagesSquare} title="Choose a chat" isCentered>
            Or start a new one. Messages are kept here while you are away, and what you write
            without a network is sent when it is back.
          </EmptyState>
        )}
      </div>
      <NewChat
        isOpen={isMaking}
        close={() => setMaking(false)}
        made={(id) => navigate({ to: '/chats/$id', params: { id }, search: true })}
      />
    </div>
  );
}
