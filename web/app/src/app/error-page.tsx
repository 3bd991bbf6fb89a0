// What is shown in place of a page that failed, or that there is not.
import { Button, Code, Group } from '@mantine/core';
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { Bug, MapPinOff } from 'lucide-react';
import { EmptyState } from '../components/empty-state';
import { asFailure } from '../lib/errors';

export function ErrorPage({ error, reset }: ErrorComponentProps) {
  return (
    <EmptyState
      isPage
      icon={Bug}
      title="This page failed"
      action={
        <Group>
          <Button onClick={reset}>Try again</Button>
          <Button variant="default" component="a" href="/">
            To the first page
          </Button>
        </Group>
      }
    >
      What you typed elsewhere is kept. The page says:{' '}
      <Code>{asFailure(error as Error).message}</Code>
    </EmptyState>
  );
}

export function NotFoundPage() {
  return (
    <EmptyState
      isPage
      icon={MapPinOff}
      title="There is nothing at this address"
      action={
        <Button component={Link} to="/">
          To the first page
        </Button>
      }
    />
  );
}
