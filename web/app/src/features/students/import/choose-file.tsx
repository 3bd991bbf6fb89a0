// A file from a dialog, or dropped.
import { Anchor, Button, FileButton, Stack, Text } from '@mantine/core';
import { FileUp } from 'lucide-react';
import { useState } from 'react';
import { Notice } from '../../../components/notice';
import { download } from '../../../lib/download';
import classes from './import.module.css';
import { type FileTable, readTable } from './table';

const example =
  'name,email,course,studentNumber,year,status\nEmmy Noether,emmy@example.com,Mathematics,N-1,2,ENROLLED\n';

export function ChooseFile({ choose }: { choose: (table: FileTable) => void }) {
  const [problem, setProblem] = useState<string>();
  const [isReading, setReading] = useState(false);
  const [isOver, setOver] = useState(false);
  const read = async (file: File | null | undefined) => {
    if (!file) return;
    setReading(true);
    setProblem(undefined);
    try {
      choose(await readTable(file));
    } catch (cause) {
      setProblem((cause as Error).message);
    } finally {
      setReading(false);
    }
  };
  return (
    <Stack>
      {problem && <Notice tone="bad">{problem}</Notice>}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same */}
      <div
        className={classes.drop}
        data-over={isOver || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          read(event.dataTransfer.files[0]);
        }}
      >
        <FileUp size={28} strokeWidth={1.5} className="quiet" aria-hidden />
        <FileButton
          onChange={read}
          accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values"
          inputProps={{
            'aria-label': 'The file to import',
            // A browser tells a file only when it is another than before; one that was mended may be chosen again.
            onClick: ({ currentTarget }) => {
              currentTarget.value = '';
            },
          }}
        >
          {(props) => (
            <Button {...props} loading={isReading}>
              Choose a file
            </Button>
          )}
        </FileButton>
        <Text size="sm" c="dimmed">
          or drop it here
        </Text>
      </div>
      <Text size="sm" c="dimmed">
        A CSV file whose first line names the columns: name, email and course, and if you have them
        student number, year and status. Separators and other names of columns are recognized.{' '}
        <Anchor
          component="button"
          type="button"
          size="sm"
          onClick={() => download(new Blob([example], { type: 'text/csv' }), 'students.csv')}
        >
          Download an example
        </Anchor>
      </Text>
    </Stack>
  );
}
