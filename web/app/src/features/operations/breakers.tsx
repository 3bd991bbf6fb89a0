// Circuit breakers of what handlers depend on.
import { Badge, Text } from '@mantine/core';
import { RelativeTime } from '../../components/relative-time';
import type { StatusFragment } from '../../generated/graphql';
import { Section } from './frame';
import classes from './operations.module.css';
import { type Heading, SmallTable, TableRow } from './table';

const breakerHeadings: Heading[] = [
  { label: 'Dependency' },
  { label: 'State' },
  { label: 'Since' },
  { label: 'Failures', isNumber: true },
  { label: 'Last error' },
];
const breakerStates = { CLOSED: 'Closed', OPEN: 'Open', HALF_OPEN: 'Trying' };

export function Breakers({ breakers }: { breakers: StatusFragment['breakers'] }) {
  return (
    <Section title="Circuit breakers" id="breakers">
      <p className={classes.words}>
        While a dependency cannot be reached its breaker is open: handlers wait, and no attempt is
        spent. It closes by itself.
      </p>
      {breakers.length === 0 ? (
        <Text size="sm" c="dimmed">
          No process has reported one.
        </Text>
      ) : (
        <SmallTable label="Circuit breakers" headings={breakerHeadings}>
          {breakers.map(({ dependency, owner, state, since, failures, error }) => (
            <TableRow key={`${dependency} ${owner}`} headings={breakerHeadings}>
              <th scope="row" title={`Process ${owner}`}>
                {dependency}
              </th>
              <td>
                <Badge
                  variant="light"
                  tt="none"
                  className={state === 'CLOSED' ? classes.well : classes.warned}
                >
                  {breakerStates[state]}
                </Badge>
              </td>
              <td>
                <RelativeTime at={since} />
              </td>
              <td>{failures}</td>
              <td>{error ?? <span className="quiet">none</span>}</td>
            </TableRow>
          ))}
        </SmallTable>
      )}
    </Section>
  );
}
