// How far an import is, and at its end what became of the rows.
import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { Notice } from '../../../components/notice';
import { download } from '../../../lib/download';
import classes from './import.module.css';
import { type FileTable, refusedFile } from './table';
import type { Progress as ImportProgressState } from './use-import';

const shownRows = 200;

export function ImportProgress({
  table,
  progress,
  goOn,
  stop,
  another,
  close,
}: {
  table: FileTable;
  progress: ImportProgressState;
  goOn: () => void;
  stop: () => void;
  another: () => void;
  close: () => void;
}) {
  const { total, decided, counts, refused, isRunning, problem } = progress;
  const isDone = decided === total;
  const results = [
    ['Added', counts.CREATED],
    ['Changed', counts.UPDATED],
    ['As they were', counts.UNCHANGED],
    ['Refused', counts.REFUSED],
  ] as const;
  return (
    <Stack>
      <div role="status">
        <Text size="sm" mb={6}>
          {isDone ? 'Imported' : isRunning ? 'Importing' : 'Stopped at'}{' '}
          <strong className="numbers">
            {decided.toLocaleString('en')} of {total.toLocaleString('en')}
          </strong>{' '}
          rows of {table.name}
        </Text>
        <Progress
          value={(decided / total) * 100}
          color={problem ? 'red' : 'accent'}
          aria-label="Rows that are done"
        />
      </div>
      {problem && (
        <Notice
          tone="bad"
          title="The import stopped"
          action={
            <Button size="compact-sm" variant="default" onClick={goOn}>
              Go on
            </Button>
          }
        >
          {problem} What was imported stays.
        </Notice>
      )}
      <dl className={classes.results}>
        {results.map(([label, count]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{count.toLocaleString('en')}</dd>
          </div>
        ))}
      </dl>
      {refused.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys
        <section className={classes.preview} aria-label="Refused rows" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th>Row</th>
                <th>Student</th>
                <th>Why it was refused</th>
              </tr>
            </thead>
            <tbody>
              {refused.slice(0, shownRows).map(({ line, reason }) => (
                <tr key={line.number}>
                  <td className="quiet">{line.number}</td>
                  <td>{line.values.name || line.values.email || '–'}</td>
                  <td>{reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {refused.length > shownRows && <Text size="sm">These are the first {shownRows}.</Text>}
      <Group justify="flex-end">
        {refused.length > 0 && !isRunning && (
          <Button
            variant="default"
            leftSection={<Download size={14} />}
            onClick={async () =>
              download(
                await refusedFile(
                  table,
                  refused.map(({ line: { cells }, reason }) => ({ cells, reason })),
                ),
                `refused-${table.name}`,
              )
            }
          >
            Download the refused rows
          </Button>
        )}
        {isRunning ? (
          <Button variant="default" onClick={stop}>
            Stop
          </Button>
        ) : (
          <>
            {!isDone && !problem && (
              <Button variant="default" onClick={goOn}>
                Go on
              </Button>
            )}
            <Button variant="default" onClick={another}>
              Another file
            </Button>
            <Button onClick={close}>Done</Button>
          </>
        )}
      </Group>
    </Stack>
  );
}
