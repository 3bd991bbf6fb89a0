// Replaying and discarding dead letters, and saying what came of it. Discarding cannot be undone, so it is asked.
import type { ReactNode } from 'react';
import type { ReplayDeadLettersInput } from '../../generated/graphql';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { say, sayFailed } from '../../lib/toasts';
import { useConfirm } from './use-confirm';

const Replaying = graphql(`
  mutation ReplayDeadLetters($input: ReplayDeadLettersInput!) {
    replayDeadLetters(input: $input) { replayed left }
  }
`);
const Discarding = graphql(`
  mutation DiscardDeadLetters($input: DiscardDeadLettersInput!) {
    discardDeadLetters(input: $input) { discarded replayed left }
  }
`);

type Which = Pick<ReplayDeadLettersInput, 'id' | 'fingerprint' | 'all'>;

export function useLetterActions(done: () => void): [
  dialog: ReactNode,
  actions: {
    replay(which: Which): Promise<void>;
    replayEach(ids: string[]): Promise<void>;
    /** `what` is discarded. */
    discard(which: Which, what: string): void;
    discardEach(ids: string[]): void;
  },
] {
  const replaying = useAct(Replaying);
  const discarding = useAct(Discarding);
  const [dialog, ask] = useConfirm();

  async function replay(all: Which[]): Promise<void> {
    let [replayed, left] = [0, 0];
    try {
      for (const which of all) {
        const { replayDeadLetters } = await replaying({ input: { all: false, ...which } });
        replayed += replayDeadLetters?.replayed ?? 0;
        left += replayDeadLetters?.left ?? 0;
      }
      say(
        left > 0
          ? `${replayed} replayed. ${left} remain: they failed again, or wait behind one that did.`
          : `${replayed} replayed.`,
      );
    } catch (cause) {
      sayFailed(cause);
    }
    done();
  }

  async function discard(all: Which[]): Promise<void> {
    let [discarded, applied, left] = [0, 0, 0];
    for (const which of all) {
      const { discardDeadLetters } = await discarding({ input: { all: false, ...which } });
      discarded += discardDeadLetters?.discarded ?? 0;
      applied += discardDeadLetters?.replayed ?? 0;
      left += discardDeadLetters?.left ?? 0;
    }
    say(
      [
        `${discarded} discarded`,
        applied > 0 && `${applied} that waited were applied`,
        left > 0 && `${left} that waited remain`,
      ]
        .filter(Boolean)
        .join(', '),
    );
    done();
  }

  const asked = (which: Which[], what: string) =>
    ask({
      title: `Discard ${what}?`,
      text: 'The worker never applies these events: what it keeps stays without them until it is rebuilt. What waits behind them goes on.',
      verb: 'Discard',
      act: () => discard(which),
    });

  return [
    dialog,
    {
      replay: (which) => replay([which]),
      replayEach: (ids) => replay(ids.map((id) => ({ id }))),
      discard: (which, what) => asked([which], what),
      discardEach: (ids) =>
        asked(
          ids.map((id) => ({ id })),
          ids.length === 1 ? 'this dead letter' : `these ${ids.length} dead letters`,
        ),
    },
  ];
}
