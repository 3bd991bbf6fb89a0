// Something could not be read: what happened, and another try.
import { Button } from '@mantine/core';
import { CloudAlert } from 'lucide-react';
import { asFailure, explain } from '../lib/errors';
import { EmptyState } from './empty-state';

export function Failed({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <EmptyState
      icon={CloudAlert}
      title="This could not be read"
      action={
        retry && (
          <Button variant="default" onClick={retry}>
            Try again
          </Button>
        )
      }
    >
      {explain(asFailure(error))}
    </EmptyState>
  );
}

/** The same in a line, beside what is shown from before. */
export function FailedLine({ error, retry }: { error: Error; retry: () => void }) {
  return (
    <span role="status">
      {explain(asFailure(error))}{' '}
      <Button variant="subtle" size="compact-xs" onClick={retry}>
        Try again
      </Button>
    </span>
  );
}
