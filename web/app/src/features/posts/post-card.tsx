// A post in the feed: who, when, the beginning of the text, and how it is liked.
import { UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { MessageSquare } from 'lucide-react';
import { RelativeTime } from '../../components/relative-time';
import { UserAvatar } from '../../components/user-name';
import type { PostCardFragment } from '../../generated/graphql';
import type { Change } from '../../lib/list';
import { LikeButton } from './like-button';
import classes from './post-card.module.css';

export function PostCard({
  post,
  isOpen,
  change,
  open,
}: {
  post: PostCardFragment;
  isOpen: boolean;
  change: Change | undefined;
  open: () => void;
}) {
  const { id, author, message, createdAt, commentCount } = post;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the link of its time is for the keyboard
    <article
      className={classes.card}
      aria-label={`Post by ${author.name}`}
      data-open={isOpen || undefined}
      data-changed={change !== undefined || undefined}
      title={change && `Changed by ${change.actor.name}`}
      onClick={(event) => {
        const isChosen = !window.getSelection()?.isCollapsed;
        if (!isChosen && !(event.target as HTMLElement).closest('a, button')) open();
      }}
    >
      <header className={classes.head}>
        <UserAvatar person={author} size={32} />
        <span className={classes.who}>
          <Link to="/users/$id" params={{ id: author.id }} className={classes.name} dir="auto">
            {author.name}
          </Link>
          <Link to="/posts/$id" params={{ id }} search className={classes.at}>
            <RelativeTime at={createdAt} />
          </Link>
        </span>
      </header>
      <p className={classes.text} dir="auto">
        {message}
      </p>
      <footer className={classes.foot}>
        <LikeButton post={post} />
        <UnstyledButton
          className={classes.action}
          onClick={open}
          aria-label={`${commentCount} ${commentCount === 1 ? 'comment' : 'comments'}`}
        >
          <MessageSquare size={16} aria-hidden /> {commentCount}
        </UnstyledButton>
      </footer>
    </article>
  );
}
