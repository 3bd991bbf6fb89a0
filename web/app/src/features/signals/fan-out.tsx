// A signal on its way: from its value to three processors, and from what they find to the result. It fills in as they answer;
// the bar is the time that they have left.
import { Check, CircleDashed, Clock, Loader, X } from 'lucide-react';
import { type CSSProperties, useEffect, useState } from 'react';
import type { SignalPartsFragment } from '../../generated/graphql';
import { gatewayNow } from './clock';
import classes from './fan-out.module.css';
import { FindingText, numberText } from './findings';
import {
  isOver,
  outcomeOf,
  type ProcessorState,
  processorNames,
  processors,
  stateOf,
  timeLeft,
} from './progress';

const said: Record<ProcessorState, string> = {
  waiting: 'waits',
  running: 'works',
  answered: 'has answered',
  late: 'was late',
  missing: 'did not answer',
};
const icons = {
  waiting: CircleDashed,
  running: Loader,
  answered: Check,
  late: Clock,
  missing: X,
} as const;

export function FanOut({ signal }: { signal: SignalPartsFragment }) {
  const states = processors.map((processor) => stateOf(signal, processor));
  const over = isOver(signal);
  return (
    <figure className={classes.graph} aria-label="Processing">
      <div className={classes.node} data-state="answered">
        <span className={classes.title}>{signal.source}</span>
        <strong className={classes.value}>{numberText(signal.value)}</strong>
      </div>
      <Wires
        states={states.map((state) => (state === 'waiting' ? 'waiting' : 'answered'))}
        isDown
      />
      <div className={classes.processors}>
        {processors.map((processor, place) => {
          const state = states[place] ?? 'waiting';
          const Icon = icons[state];
          const result = signal.results.find((each) => each.processor === processor);
          return (
            <div key={processor} className={classes.node} data-state={state}>
              <span className={classes.title}>
                <Icon size={14} aria-hidden className={classes.icon} /> {processorNames[processor]}
              </span>
              <span className={classes.finding}>
                {result ? <FindingText finding={result.finding} /> : said[state]}
              </span>
              {state === 'late' && <span className={classes.finding}>too late</span>}
            </div>
          );
        })}
      </div>
      <Wires states={states} />
      <div
        className={classes.node}
        data-state={over ? (signal.status === 'PARTIAL' ? 'partial' : 'answered') : 'waiting'}
        role="status"
      >
        <span className={classes.title}>{over ? outcomeOf(signal) : 'Result'}</span>
        <span className={classes.finding}>
          {signal.notification?.text ??
            (over ? 'The notification follows.' : <Deadline signal={signal} />)}
        </span>
      </div>
    </figure>
  );
}

/** Lines from one to three, or from three to one. */
function Wires({ states, isDown = false }: { states: ProcessorState[]; isDown?: boolean }) {
  return (
    <svg className={classes.wires} viewBox="0 0 300 28" preserveAspectRatio="none" aria-hidden>
      {states.map((state, place) => {
        const [one, many] = [150, 50 + place * 100];
        const [from, to] = isDown ? [one, many] : [many, one];
        return (
          <path
            // biome-ignore lint/suspicious/noArrayIndexKey: there are always three, in this order
            key={place}
            data-state={state}
            d={`M${from} 0 C${from} 14 ${to} 14 ${to} 28`}
          />
        );
      })}
    </svg>
  );
}

function Deadline({ signal }: { signal: SignalPartsFragment }) {
  const [now, setNow] = useState(gatewayNow);
  useEffect(() => {
    const timer = setInterval(() => setNow(gatewayNow()), 250);
    return () => clearInterval(timer);
  }, []);
  const { share, ms } = timeLeft(signal, now);
  const seconds = Math.ceil(ms / 1_000);
  return (
    <>
      <span
        className={classes.bar}
        role="progressbar"
        aria-label="Time left until the deadline"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(share * 100)}
        style={{ '--share': share } as CSSProperties}
      />
      {ms > 0 ? `${seconds} s left, then with what there is` : 'The deadline is over; it ends now.'}
    </>
  );
}
