// What one of the two sees.
import { Text } from '@mantine/core';
import { useConnection } from '@millrace/client/react';
import { Building2, Heart, SendHorizontal } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { UserAvatar } from '../../components/user-name';
import { Send, type Stage } from './documents';
import type { Side } from './side';
import classes from './side-view.module.css';

const words = {
  idle: 'Ready',
  connecting: 'Connecting',
  live: 'Live',
  resuming: 'Catching up',
  offline: 'Offline',
} as const;

export function SideView({ side, stage }: { side: Side; stage: Stage }) {
  const state = useSyncExternalStore(side.subscribe, side.get);
  const { status, transport, waiting } = useConnection(side.client);
  const word = status === 'resuming' && transport ? 'Live' : words[status];
  const isAway = word !== 'Live';
  const { name } = side.person;
  if (!state) return null;
  const { messages, post, customer } = state;
  return (
    <article
      className={classes.side}
      aria-label={`What ${name} sees`}
      data-away={isAway || undefined}
    >
      <header className={classes.header}>
        <UserAvatar person={{ name }} size={24} />
        <strong className="cut">{name}</strong>
        <span className={classes.state} data-status={isAway ? 'away' : 'live'}>
          {word}
          {waiting > 0 && `, ${waiting} ${waiting === 1 ? 'waits' : 'wait'}`}
        </span>
      </header>
      <Messages messages={messages} />
      <Composer side={side} chatId={stage.chat.id} />
      <div className={classes.card}>
        <span className={classes.line}>
          <span className="cut quiet">{post.message}</span>
          <Flash value={post.likeCount}>
            <Heart size={14} aria-hidden fill={post.likeCount > 0 ? 'currentColor' : 'none'} />
            <span className="numbers">{post.likeCount}</span>
            <span className={classes.hidden}>likes</span>
          </Flash>
        </span>
      </div>
      <div className={classes.card}>
        <span className={classes.line}>
          <span className={classes.customer}>
            <Building2 size={14} aria-hidden />
            <span className="cut">{customer.name}</span>
          </span>
          <Flash value={customer.status}>{customer.status.toLowerCase()}</Flash>
        </span>
      </div>
    </article>
  );
}

function Messages({ messages }: Pick<NonNullable<ReturnType<Side['get']>>, 'messages'>) {
  const end = useRef<HTMLDivElement>(null);
  const last = messages.at(-1)?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new message is scrolled to
  useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight });
  }, [last]);
  return (
    <div
      ref={end}
      className={classes.messages}
      role="log"
      aria-live="off"
      aria-label="Chat"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys, too
      tabIndex={0}
    >
      {messages.map(({ id, text, deletedAt, author }) => (
        <div key={id} className={classes.message}>
          <strong>{author.name.split(' ')[0]}</strong>{' '}
          {deletedAt ? <em className="quiet">deleted</em> : text}
        </div>
      ))}
    </div>
  );
}

/** The visitor may write, too; without a line it waits and is sent later. */
function Composer({ side, chatId }: { side: Side; chatId: string }) {
  const [text, setText] = useState('');
  const first = side.person.name.split(' ')[0];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!text.trim()) return;
    const input = { chatId, text: text.trim() };
    side.client
      .mutate({ query: Send, variables: { input } }, { queue: true })
      .catch(() => setText(text));
    setText('');
  };
  return (
    <form className={classes.composer} onSubmit={submit}>
      <input
        aria-label={`Write as ${first}`}
        placeholder={`Write as ${first}`}
        maxLength={500}
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit" aria-label={`Send as ${first}`}>
        <SendHorizontal size={16} aria-hidden />
      </button>
    </form>
  );
}

/** Points out a value that has changed. */
function Flash({ value, children }: { value: string | number; children: React.ReactNode }) {
  const [shown, setShown] = useState(value);
  const [isNew, setNew] = useState(false);
  if (shown !== value) {
    setShown(value);
    setNew(true);
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change begins a moment of its own
  useEffect(() => {
    if (!isNew) return;
    const timer = setTimeout(() => setNew(false), 1_500);
    return () => clearTimeout(timer);
  }, [isNew, value]);
  return (
    <Text component="span" size="sm" className={classes.flash} data-new={isNew || undefined}>
      {children}
    </Text>
  );
}
