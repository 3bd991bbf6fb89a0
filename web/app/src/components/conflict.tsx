// Somebody else saved while one was typing: both texts, and the choice. Nothing that was typed is thrown away.
import { Alert, Button, Group } from '@mantine/core';
import classes from './conflict.module.css';

export interface Difference {
  field: string;
  mine: string;
  theirs: string;
  /** What the two make together. */
  both?: string;
}

export function Conflict({
  by,
  differences,
  keepMine,
  takeTheirs,
  takeBoth,
}: {
  by?: string | undefined;
  differences: readonly Difference[];
  keepMine: () => void;
  takeTheirs: () => void;
  takeBoth?: () => void;
}) {
  return (
    <Alert
      color="yellow"
      role="alert"
      classNames={{ title: classes.title ?? '' }}
      title={`${by ?? 'Somebody'} changed this meanwhile`}
    >
      <dl className={classes.differences}>
        {differences.map(({ field, mine, theirs, both }) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>
              <span className="quiet">Yours</span> <ins>{mine || '(empty)'}</ins>
            </dd>
            <dd>
              <span className="quiet">Theirs</span> <ins>{theirs || '(empty)'}</ins>
            </dd>
            {both !== undefined && (
              <dd>
                <span className="quiet">Both together</span> <ins>{both}</ins>
              </dd>
            )}
          </div>
        ))}
      </dl>
      <Group gap="xs">
        {takeBoth && (
          <Button size="compact-sm" variant="default" onClick={takeBoth}>
            Take both
          </Button>
        )}
        <Button size="compact-sm" onClick={keepMine}>
          Keep mine
        </Button>
        <Button size="compact-sm" variant="default" onClick={takeTheirs}>
          Take theirs
        </Button>
      </Group>
    </Alert>
  );
}
