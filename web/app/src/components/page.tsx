// The inside of the frame: a title with its actions, content, and a pane at the side that has its own address.
import { ActionIcon, Group, Skeleton, Stack, Title } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Outlet, useChildMatches, useNavigate } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { usePageTitle } from '../lib/attention';
import classes from './page.module.css';

export function Page({
  title,
  actions,
  children,
  reading = false,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
  /** For text: narrow, and scrolled as a whole. Otherwise the content fills the page and scrolls by itself. */
  reading?: boolean;
}) {
  usePageTitle(title);
  const hasPane = useChildMatches().length > 0;
  return (
    <div className={classes.page} data-pane={hasPane || undefined}>
      <div className={classes.main}>
        <header className={classes.header}>
          <Title order={1}>{title}</Title>
          <Group gap="xs">{actions}</Group>
        </header>
        <div className={reading ? classes.reading : classes.content}>{children}</div>
      </div>
      {hasPane && <Outlet />}
    </div>
  );
}

/** What a child route shows beside the page. `to` is where closing it leads. */
export function Pane({
  title,
  to,
  actions,
  children,
}: {
  title: ReactNode;
  to: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const navigate = useNavigate();
  // There the page stands behind it.
  const isPhone = useMediaQuery('(max-width: 767px)') ?? false;
  const close = () => navigate({ to, search: true } as never);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      // Escape belongs to what is open above, first.
      const isTaken =
        event.defaultPrevented || document.querySelector('[role=dialog], [role=menu]');
      if (event.key === 'Escape' && !isTaken) navigate({ to, search: true } as never);
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [navigate, to]);
  return (
    <aside className={classes.pane} aria-label="Details">
      <header className={classes.header}>
        <Title order={isPhone ? 1 : 2} size="h2" className="cut" dir="auto">
          {title}
        </Title>
        <Group gap={4} wrap="nowrap">
          {actions}
          <ActionIcon onClick={close} aria-label="Close details">
            <X size={16} />
          </ActionIcon>
        </Group>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by the keyboard */}
      <div className={classes.reading} tabIndex={0}>
        {children}
      </div>
    </aside>
  );
}

/** Lines in the shape of what comes, once it has taken a moment. */
export function Lines({ count = 6 }: { count?: number }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  if (!isShown) return null;
  return (
    <Stack gap={12} p="md" aria-hidden>
      {Array.from({ length: count }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={line} height={12} width={`${90 - ((line * 17) % 40)}%`} />
      ))}
    </Stack>
  );
}
