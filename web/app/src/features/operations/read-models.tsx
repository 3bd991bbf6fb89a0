// Read models: rebuilding one, how far that is, and what it found to differ.
import { Button, Progress, Text } from '@mantine/core';
import { RotateCcw } from 'lucide-react';
import { useConfirm } from '../../components/confirm';
import { RelativeTime } from '../../components/relative-time';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { say } from '../../lib/toasts';
import { inWords } from './alarms';
import { Section } from './frame';
import { isUnderWay, monitor, type ReadModel, useMonitor } from './monitor';
import classes from './operations.module.css';
import { type Heading, SmallTable, TableRow } from './table';

const Rebuilding = graphql(`
  mutation RebuildReadModel($input: RebuildReadModelInput!) {
    rebuildReadModel(input: $input) { readModel { name } }
  }
`);

const readModelHeadings: Heading[] = [
  { label: 'Read model' },
  { label: 'Rebuild' },
  { label: 'Differences' },
  { label: 'Actions', isHidden: true },
];
const phases = {
  REQUESTED: 'Waits for a worker',
  BUILDING: 'Applies the events',
  INDEXING: 'Makes the indexes',
  FOLLOWING: 'Catches up',
  COMPARING: 'Compares with the old one',
  SWAPPING: 'Takes its place',
  DONE: 'Done',
};

export function ReadModels() {
  const readModels = useMonitor((state) => state.readModels);
  const rebuild = useAct(Rebuilding);
  const [dialog, ask] = useConfirm();
  if (!readModels || readModels.length === 0) return null;
  return (
    <Section title="Read models" id="read-models">
      <p className={classes.words}>
        A rebuild makes the tables anew from the log, beside the ones that are read meanwhile, and
        says which rows differ.
      </p>
      <SmallTable label="Read models" headings={readModelHeadings}>
        {readModels.map((readModel) => (
          <TableRow key={readModel.name} headings={readModelHeadings}>
            <th scope="row">{readModel.name}</th>
            <td>
              <RebuildState rebuild={readModel.rebuild} name={readModel.name} />
            </td>
            <td>
              <Differences rebuild={readModel.rebuild} />
            </td>
            <td data-actions>
              <Button
                variant="default"
                size="compact-sm"
                leftSection={<RotateCcw size={12} />}
                aria-label={`Rebuild ${readModel.name}`}
                disabled={isUnderWay(readModel.rebuild)}
                onClick={() =>
                  ask({
                    title: `Rebuild ${readModel.name}?`,
                    text: 'A worker builds the tables anew at half speed, while everything goes on. On SQLite changes wait now and then.',
                    verb: 'Rebuild',
                    act: async () => {
                      await rebuild({ input: { name: readModel.name } });
                      monitor.askNow();
                      say(`A worker rebuilds ${readModel.name}.`);
                    },
                  })
                }
              >
                Rebuild
              </Button>
            </td>
          </TableRow>
        ))}
      </SmallTable>
      {dialog}
    </Section>
  );
}

function RebuildState({ rebuild, name }: { rebuild: ReadModel['rebuild']; name: string }) {
  if (!rebuild) return <span className="quiet">never</span>;
  const { phase, isRunning, eventsApplied, eventsTotal, startedAt, finishedAt } = rebuild;
  if (phase === 'DONE')
    return (
      <>
        {finishedAt ? <RelativeTime at={finishedAt} /> : 'done'}
        <span className="quiet">
          , {eventsApplied.toLocaleString('en')} events
          {startedAt &&
            finishedAt &&
            ` in ${inWords((Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000)}`}
        </span>
      </>
    );
  const share = eventsTotal === 0 ? 0 : Math.min((100 * eventsApplied) / eventsTotal, 100);
  return (
    <div className={classes.progress}>
      <Progress value={share} aria-label={`Rebuild of ${name}`} animated={isRunning} />
      <Text size="xs" c="dimmed" className="numbers">
        {phases[phase]}: {eventsApplied.toLocaleString('en')} of {eventsTotal.toLocaleString('en')}
        {!isRunning && phase !== 'REQUESTED' && ' (stands still)'}
      </Text>
    </div>
  );
}

function Differences({ rebuild }: { rebuild: ReadModel['rebuild'] }) {
  if (!rebuild?.differences) return <span className="quiet">–</span>;
  const found = rebuild.differences.filter(
    ({ onlyOld, onlyNew, changed }) => onlyOld + onlyNew + changed > 0,
  );
  if (found.length === 0) return <span>none</span>;
  return (
    <details className={classes.details}>
      <summary>{found.map(({ table }) => table).join(', ')}</summary>
      {found.map(({ table, onlyOld, onlyNew, changed, examples }) => (
        <div key={table}>
          <strong>{table}</strong>: {onlyOld} only before, {onlyNew} only now, {changed} changed
          <ul>
            {examples.map((example) => (
              <li key={example} className={classes.mono}>
                {example}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </details>
  );
}
