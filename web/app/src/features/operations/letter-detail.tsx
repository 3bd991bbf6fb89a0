// One dead letter: its errors, its event, and what to do with it.
import { Button, Group, Stack, Text } from '@mantine/core';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { CircleCheck } from 'lucide-react';
import { EmptyState } from '../../components/empty-state';
import { Failed } from '../../components/failed';
import { Lines, Pane } from '../../components/page';
import { RelativeTime } from '../../components/relative-time';
import { graphql } from '../../lib/graphql';
import { useLive } from '../../lib/live';
import './documents';
import { Section } from './frame';
import { useLetterActions } from './letter-actions';
import classes from './operations.module.css';

const Letter = graphql(`
  query Letter($id: ID!) @live {
    deadLetter(id: $id) {
      ...LetterRow
      firstTriedAt
      event { ...EventRow }
    }
  }
`);

const route = getRouteApi('/operations/letters/$id');

export function LetterDetail() {
  const { id } = route.useParams();
  const navigate = useNavigate();
  const { data, failure, isLoading, retry } = useLive(Letter, { id });
  const [dialog, actions] = useLetterActions(() =>
    navigate({ to: '/operations/letters', search: true as never }),
  );
  const letter = data?.deadLetter;
  return (
    <Pane
      title={letter ? `${letter.type} in ${letter.consumer}` : 'Dead letter'}
      to="/operations/letters"
    >
      {failure && !data && <Failed error={failure} retry={retry} />}
      {isLoading && !failure && <Lines />}
      {data && !letter && (
        <EmptyState icon={CircleCheck} title="It is not here any more">
          It was replayed or discarded.
        </EmptyState>
      )}
      {letter && (
        <Stack gap="lg">
          <Group gap="xs">
            <Button size="compact-sm" onClick={() => actions.replay({ id })}>
              Replay
            </Button>
            {letter.fingerprint && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() =>
                  actions.replay({ filter: { fingerprint: letter.fingerprint as string } })
                }
              >
                Replay all that failed alike
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="subtle"
              color="red"
              onClick={() => actions.discard({ id }, 'this dead letter')}
            >
              Discard…
            </Button>
          </Group>
          <Section title="Errors">
            {letter.errors.length === 0 ? (
              <Text size="sm" c="dimmed">
                The event did not fail itself. It waits behind an earlier one of its stream, and is
                applied when that is replayed or discarded.
              </Text>
            ) : (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by the keyboard
              <pre className={classes.json} tabIndex={0}>
                {letter.errors
                  .map((error, place) => `${place === 0 ? '' : 'because '}${error}`)
                  .join('\n')}
              </pre>
            )}
          </Section>
          <dl className={classes.facts}>
            <dt>{letter.consumerKind === 'FOLLOWER' ? 'Follower' : 'Handler'}</dt>
            <dd>
              <Link to="/operations/workers" hash={letter.consumer}>
                {letter.consumer}
              </Link>
            </dd>
            <dt>Attempts</dt>
            <dd>
              {letter.attempts}, first <RelativeTime at={letter.firstTriedAt} />, last{' '}
              <RelativeTime at={letter.lastTriedAt} />
            </dd>
            <dt>Event</dt>
            <dd>
              <Link
                to="/operations/log/$stream/$version"
                params={{ stream: letter.streamId, version: String(letter.version) }}
              >
                {letter.type}
              </Link>{' '}
              at {letter.position.toLocaleString('en')}
            </dd>
            <dt>Stream</dt>
            <dd>
              <Link
                to="/operations/letters"
                search={{ stream: letter.streamId } as never}
                className={classes.mono}
              >
                {letter.streamId}
              </Link>
            </dd>
            {letter.fingerprint && (
              <>
                <dt>Alike</dt>
                <dd>
                  <Link
                    to="/operations/letters"
                    search={{ fingerprint: letter.fingerprint } as never}
                    className={classes.mono}
                  >
                    {letter.fingerprint}
                  </Link>
                </dd>
              </>
            )}
          </dl>
          <Section title="Data of the event">
            {letter.event ? (
              // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by the keyboard
              <pre className={classes.json} tabIndex={0}>
                {letter.event.isWithheld
                  ? 'What is written in chats is shown to their members only.'
                  : JSON.stringify(letter.event.data, null, 2)}
              </pre>
            ) : (
              <Text size="sm" c="dimmed">
                The log no longer has it.
              </Text>
            )}
          </Section>
        </Stack>
      )}
      {dialog}
    </Pane>
  );
}
