// Replaying and discarding dead letters, and saying what came of it. Discarding cannot be undone, so it is asked. All that a filter
// selects are one call. Those that were chosen go one by one, with their progress and a way to stop; one that is refused keeps nobody
// else, and one that is gone by then needs nothing.
import type { ReactNode } from 'react';
import { useConfirm } from '../../components/confirm';
import { useBulk } from '../../components/records/bulk';
import type { DeadLetterFilter, LetterRowFragment } from '../../generated/graphql';
import type { Answer } from '../../lib/bulk';
import { asFailure, explain } from '../../lib/errors';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { say, sayFailed } from '../../lib/toasts';
import { toDiscard, toReplay } from './letter-order';

const Replaying = graphql(`
  mutation ReplayDeadLetters($input: ReplayDeadLettersInput!) {
    replayDeadLetters(input: $input) { replayed left hasMore }
  }
`);
const Discarding = graphql(`
  mutation DiscardDeadLetters($input: DiscardDeadLettersInput!) {
    discardDeadLetters(input: $input) { discarded replayed left hasMore }
  }
`);

export type Which = { id: string } | { filter: DeadLetterFilter } | { all: true };
type Letters = readonly LetterRowFragment[];

export interface LetterActions {
  replay(which: Which): Promise<void>;
  replayEach(letters: Letters): void;
  /** `what` is discarded. */
  discard(which: Which, what: string): void;
  discardEach(letters: Letters, what: string): void;
  /** Several are being replayed or discarded. */
  isRunning: boolean;
}

/** `done` is called when something is done; what is returned first belongs on the page. */
export function useLetterActions(done: () => void): [shown: ReactNode, actions: LetterActions] {
  const replaying = useAct(Replaying);
  const discarding = useAct(Discarding);
  const [dialog, ask] = useConfirm();
  const bulk = useBulk<LetterRowFragment & { name: string }>();

  async function replay(which: Which, told: Told): Promise<void> {
    const { replayDeadLetters } = await replaying({ input: { all: false, ...which } });
    told.replayed += replayDeadLetters?.replayed ?? 0;
    told.left += replayDeadLetters?.left ?? 0;
    told.hasMore ||= replayDeadLetters?.hasMore ?? false;
  }

  async function discard(which: Which, told: Told): Promise<void> {
    const { discardDeadLetters } = await discarding({ input: { all: false, ...which } });
    told.discarded += discardDeadLetters?.discarded ?? 0;
    told.replayed += discardDeadLetters?.replayed ?? 0;
    told.left += discardDeadLetters?.left ?? 0;
    told.hasMore ||= discardDeadLetters?.hasMore ?? false;
  }

  async function each(
    letters: Letters,
    doing: string,
    act: (which: Which, told: Told) => Promise<void>,
    sentence: (told: Told) => string,
  ): Promise<void> {
    const told = nothing();
    await bulk.run({
      rows: letters.map((letter) => ({ ...letter, name: `${letter.type} in ${letter.consumer}` })),
      doing,
      size: 1,
      send: async (chunk) => Promise.all(chunk.map(({ id }) => answerOf(act({ id }, told)))),
      done: () => sentence(told),
    });
    done();
  }

  async function once(
    act: (which: Which, told: Told) => Promise<void>,
    which: Which,
    sentence: (told: Told) => string,
  ): Promise<void> {
    const told = nothing();
    await act(which, told);
    say(sentence(told));
    done();
  }

  const asked = (what: string, act: () => Promise<void>) =>
    ask({
      title: `Discard ${what}?`,
      text: 'The worker never applies these events: what it keeps stays without them until it is rebuilt. What waits behind them goes on.',
      verb: 'Discard',
      act,
    });

  return [
    <>
      {bulk.shown}
      {dialog}
    </>,
    {
      isRunning: bulk.isRunning,
      replay: (which) => once(replay, which, replayedSentence).catch(sayFailed),
      replayEach: (letters) => void each(toReplay(letters), 'Replaying', replay, replayedSentence),
      discard: (which, what) => asked(what, () => once(discard, which, discardedSentence)),
      discardEach: (letters, what) =>
        asked(what, async () => {
          // Its progress is on the page, behind the question.
          void each(toDiscard(letters), 'Discarding', discard, discardedSentence);
        }),
    },
  ];
}

interface Told {
  discarded: number;
  replayed: number;
  left: number;
  /** There are more than one call does. */
  hasMore: boolean;
}
const nothing = (): Told => ({ discarded: 0, replayed: 0, left: 0, hasMore: false });
const more = (hasMore: boolean) => (hasMore ? '. There are more: do it again' : '');

export function replayedSentence({ replayed, left, hasMore }: Told): string {
  const said =
    left > 0
      ? `${replayed} replayed. ${left} remain: they failed again, or wait behind one that did`
      : `${replayed} replayed`;
  return said + more(hasMore);
}

function discardedSentence({ discarded, replayed, left, hasMore }: Told): string {
  const said = [
    `${discarded} discarded`,
    replayed > 0 && `${replayed} that waited were applied`,
    left > 0 && `${left} that waited remain`,
  ];
  return said.filter(Boolean).join(', ') + more(hasMore);
}

/** Refusals that are not about the letter. */
const ofAll = new Set([
  'NETWORK',
  'UNAVAILABLE',
  'TIMEOUT',
  'RATE_LIMITED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
]);

/** What became of one letter. What would become of all others, too, is thrown. */
export async function answerOf(acting: Promise<void>): Promise<Answer> {
  try {
    await acting;
  } catch (cause) {
    const failure = asFailure(cause as Error);
    const { code } = failure;
    // Somebody else was quicker, or it went with an earlier one of its stream.
    if (code === 'NOT_FOUND') return { index: 0 };
    if (ofAll.has(code)) throw failure;
    return { index: 0, error: { message: explain(failure), violations: [] } };
  }
  return { index: 0 };
}
