// One signal: how it is processed, as it happens; what its source sent before; and what happened to it.
import { Stack, Text, Title } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { SearchX } from 'lucide-react';
import { EmptyState } from '../../components/empty-state';
import { Failed } from '../../components/failed';
import { Lines, Pane } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { Timeline } from '../../components/timeline';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import classes from './detail.module.css';
import { FanOut } from './fan-out';
import { numberText } from './findings';
import { SignalParts } from './signal-parts';
import { Sparkline } from './sparkline';

void SignalParts;
const SignalDetails = graphql(`
  query SignalDetails($id: ID!) @live {
    signal(id: $id) {
      ...SignalParts
      history(last: 30) { nodes { version type occurredAt actor { name ... on User { id } } } }
    }
  }
`);
const SourceHistory = graphql(`
  query SourceHistory($source: String!) @live(throttle: 1000) {
    signals(first: 50, filter: { source: { eq: $source } }) {
      nodes { id version number value submittedAt }
    }
  }
`);

const verbs: Record<string, string> = {
  SignalSubmitted: 'submitted the signal',
  SignalProcessingStarted: 'gave it to the processors',
  SignalResultRecorded: 'answered',
  SignalLateResultRecorded: 'answered after the deadline',
  SignalCompleted: 'ended it',
  SignalNotified: 'told the outcome',
  SignalWebhookDelivered: 'delivered the outcome to the webhook',
};

const route = getRouteApi('/signals/$id');

export function SignalDetail() {
  const { id } = route.useParams();
  return <Signal key={id} id={id} />;
}

function Signal({ id }: { id: string }) {
  const { data, failure, isLoading, retry } = useLive(SignalDetails, { id });
  const signal = data?.signal;
  return (
    <Pane title={signal ? `${signal.source} #${signal.number}` : 'Signal'} to="/signals">
      {failure && !data && <Failed error={failure} retry={retry} />}
      {isLoading && !failure && <Lines />}
      {data && !signal && (
        <EmptyState icon={SearchX} title="There is no such signal">
          Its address may be mistyped.
        </EmptyState>
      )}
      {signal && (
        <Stack gap="lg">
          <Text size="sm" c="dimmed">
            Submitted by {signal.submittedBy.name} <RelativeTime at={signal.submittedAt} />
            {signal.completedAt && (
              <>, ended after {took(signal.submittedAt, signal.completedAt)}</>
            )}
          </Text>
          <FanOut signal={signal} />
          <Source source={signal.source} id={id} />
          {signal.history && (
            <section>
              <Title order={2} size="h3" mb="sm">
                History
              </Title>
              <Timeline
                entries={signal.history.nodes
                  .toReversed()
                  .map(({ version, type, actor, occurredAt }) => ({
                    id: String(version),
                    actor,
                    verb: verbs[type] ?? type,
                    at: occurredAt,
                  }))}
              />
            </section>
          )}
        </Stack>
      )}
    </Pane>
  );
}

function Source({ source, id }: { source: string; id: string }) {
  const { data } = useLive(SourceHistory, { source });
  const signals = (data?.signals?.nodes ?? []).toReversed();
  if (signals.length < 2) return null;
  const values = signals.map(({ value }) => value);
  const place = signals.findIndex((each) => each.id === id);
  return (
    <section>
      <Title order={2} size="h3" mb="xs">
        {source}, last {signals.length} values
      </Title>
      <div className={classes.source}>
        <Sparkline values={values} label={`The last ${signals.length} values of ${source}`} />
        <Text size="sm" c="dimmed">
          from {numberText(Math.min(...values))} to {numberText(Math.max(...values))}
          {place >= 0 && `; this is ${ordinal(signals.length - place)}`}
        </Text>
      </div>
    </section>
  );
}

function ordinal(fromEnd: number): string {
  return fromEnd === 1 ? 'the latest' : `${fromEnd - 1} before the latest`;
}

function took(from: string, to: string): string {
  const ms = Date.parse(to) - Date.parse(from);
  return ms < 1_000 ? `${ms} ms` : `${numberText(ms / 1_000)} s`;
}
