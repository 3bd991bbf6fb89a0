// Students from a file: choose it, see what it has, import it, and read what became of it.
import { Modal } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { ChooseFile } from './choose-file';
import { ImportProgress } from './import-progress';
import { Preview } from './preview';
import type { FileTable } from './table';
import { useImport } from './use-import';

export default function ImportDialog({ close }: { close: () => void }) {
  const [table, setTable] = useState<FileTable>();
  const { progress, start, goOn, stop, reset } = useImport();
  const isRunning = progress?.isRunning ?? false;
  useEffect(() => {
    if (!isRunning) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isRunning]);
  // What is closed in the middle stops; it can be repeated.
  const latest = useRef(stop);
  useEffect(() => () => latest.current(), []);
  return (
    <Modal
      opened
      onClose={close}
      title="Import students"
      size="xl"
      closeOnClickOutside={!table}
      closeOnEscape={!isRunning}
      withCloseButton={!isRunning}
    >
      {!table && <ChooseFile choose={setTable} />}
      {table && !progress && (
        <Preview table={table} start={start} back={() => setTable(undefined)} />
      )}
      {table && progress && (
        <ImportProgress
          table={table}
          progress={progress}
          goOn={goOn}
          stop={stop}
          another={() => {
            reset();
            setTable(undefined);
          }}
          close={close}
        />
      )}
    </Modal>
  );
}
