// What a place is for, and what to do first.
import { Stack, Text, Title } from '@mantine/core';
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
  isPage = false,
}: {
  icon?: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** It stands for the whole page. */
  isPage?: boolean;
}) {
  return (
    <Stack align="center" gap="xs" py={64} px="md" ta="center">
      {Icon && <Icon size={28} strokeWidth={1.5} className="quiet" aria-hidden />}
      <Title order={isPage ? 1 : 2}>{title}</Title>
      {children && (
        <Text c="dimmed" maw="48ch" component="div">
          {children}
        </Text>
      )}
      {action}
    </Stack>
  );
}
