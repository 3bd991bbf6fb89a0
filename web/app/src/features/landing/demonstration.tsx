// Two people side by side, on the gateway that served the page. They go on by themselves; a visitor may write for them, and cut
// the line of one.
import { Button, Text } from '@mantine/core';
import { useConnection } from '@millrace/client/react';
import { Scissors, Unplug } from 'lucide-react';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Failed } from '../../components/failed';
import { Lines } from '../../components/page';
import type { DemoPerson } from '../../lib/demo';
import classes from './demonstration.module.css';
import { findStage, type Stage } from './documents';
import { steps } from './script';
import { Side } from './side';
import { SideView } from './side-view';

const stepMs = 2_000;
const rounds = 12;
const roundMs = 8_000;
/** A line that was cut is mended after this, if the visitor does not do it. */
const cutMs = 9_000;

type Ready = { sides: readonly [Side, Side]; stage: Stage };

export default function Demonstration({ people }: { people: readonly [DemoPerson, DemoPerson] }) {
  const [ready, setReady] = useState<Ready>();
  const [error, setError] = useState<Error>();
  const [attempt, setAttempt] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt begins with new clients
  useEffect(() => {
    setError(undefined);
    const sides = [new Side(people[0]), new Side(people[1])] as const;
    let isOver = false;
    begin(sides).then(
      (stage) => !isOver && setReady({ sides, stage }),
      (cause) => !isOver && setError(cause as Error),
    );
    return () => {
      isOver = true;
      setReady(undefined);
      for (const side of sides) side.dispose();
    };
  }, [people, attempt]);
  if (error) return <Failed error={error} retry={() => setAttempt((count) => count + 1)} />;
  if (!ready) return <Lines count={8} />;
  return <Stageful {...ready} />;
}

async function begin(sides: readonly [Side, Side]): Promise<Stage> {
  await Promise.all(sides.map((side) => side.enter()));
  const [ada, grace] = sides;
  const stage = await findStage(ada.client, grace.client.userId ?? '');
  for (const side of sides) side.follow(stage);
  return stage;
}

function Stageful({ sides, stage }: Ready) {
  // Another visit hears another part of what they have to say.
  const [first] = useState(() => Math.floor(Date.now() / roundMs));
  const [round, setRound] = useState(0);
  useScript(sides, stage, { first, round }, setRound);
  return (
    <section className={classes.stage} aria-label="Live demonstration">
      <div className={classes.sides}>
        {sides.map((side) => (
          <SideView key={side.person.email} side={side} stage={stage} />
        ))}
      </div>
      <Cut side={sides[1]} />
      {round >= rounds && (
        <Button variant="default" size="compact-md" onClick={() => setRound(0)}>
          Let them go on
        </Button>
      )}
    </section>
  );
}

/** Does a step at a time, while somebody looks. */
function useScript(
  sides: readonly [Side, Side],
  stage: Stage,
  { first, round }: { first: number; round: number },
  setRound: (set: (round: number) => number) => void,
): void {
  const step = useRef(0);
  useEffect(() => {
    if (round >= rounds) return;
    const script = steps(sides, stage, first + round);
    const timer = setInterval(() => {
      if (document.visibilityState === 'hidden') return;
      const next = script[step.current];
      step.current += 1;
      // What is refused, as when somebody else has closed the customer, is not what this is about.
      if (next) next().catch(() => {});
      if (step.current >= script.length) {
        step.current = 0;
        setRound((count) => count + 1);
      }
    }, stepMs);
    return () => clearInterval(timer);
  }, [sides, stage, first, round, setRound]);
}

/** Cuts the line of one side, and tells what was caught up on afterwards. */
function Cut({ side }: { side: Side }) {
  const name = side.person.name.split(' ')[0];
  const { status, caughtUp, waiting } = useConnection(side.client);
  const state = useSyncExternalStore(side.subscribe, side.get);
  const [cutAt, setCutAt] = useState<number>();
  const [wasCut, setWasCut] = useState(false);
  const mend = useCallback(() => {
    side.line.mend();
    setCutAt(undefined);
  }, [side]);
  useEffect(() => {
    if (cutAt === undefined) return;
    const timer = setTimeout(mend, cutMs);
    return () => clearTimeout(timer);
  }, [cutAt, mend]);
  const isCut = cutAt !== undefined;
  const isBack = wasCut && !isCut && status === 'live';
  return (
    <div className={classes.cut}>
      <Button
        variant={isCut ? 'filled' : 'default'}
        leftSection={isCut ? <Unplug size={16} /> : <Scissors size={16} />}
        onClick={() => {
          if (isCut) return mend();
          side.line.cut();
          setCutAt(Date.now());
          setWasCut(true);
        }}
      >
        {isCut ? `Connect ${name} again` : `Cut ${name}’s connection`}
      </Button>
      <Text size="sm" role="status" className={classes.told}>
        {isCut &&
          `${name} is away. The others go on${waiting > 0 ? `, and ${name} too: ${waiting} of her changes wait` : ''}.`}
        {!isCut && wasCut && !isBack && 'Catching up…'}
        {isBack && state && (
          <>
            <strong className="numbers">
              Caught up on {caughtUp} {caughtUp === 1 ? 'event' : 'events'}.
            </strong>{' '}
            <span className="numbers">
              Of {state.received} since you came: {state.missed} missed, {state.doubled} twice.
            </span>
          </>
        )}
        {!wasCut && 'See what happens to her side while it is gone, and after.'}
      </Text>
    </div>
  );
}
