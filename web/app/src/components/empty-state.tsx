// What a place is for, and what to do first.
import { Box, Stack, Text, Title } from '@mantine/core';
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

export function EmptyState({
  icon: Icon,
  title,
  children,
  action,
  isPage = false,
  isCentered = false,
}: {
  icon?: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  /** It stands for the whole page. */
  isPage?: boolean;
  /** It has a pane for itself. */
  isCentered?: boolean;
}) {
  return (
    <Stack
      align="center"
      gap="xs"
      px="md"
      ta="center"
      {...(isCentered ? { h: '100%', justify: 'center' } : { pt: isPage ? '18vh' : 64, pb: 64 })}
    >
      {Icon && <Icon size={28} strokeWidth={1.5} className="quiet" aria-hidden />}
      <Title order={isPage ? 1 : 2}>{title}</Title>
      {children && (
        <Text c="dimmed" maw="48ch" component="div">
          {children}
        </Text>
      )}
      {action && <Box mt={8}>{action}</Box>}
    </Stack>
  );
}
