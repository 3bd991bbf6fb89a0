// Examples of signals: submit one, and watch what the processors make of it.
import type { Example } from './example';
import listSignals from './signals/list-signals.graphql?raw';
import readSignal from './signals/read-signal.graphql?raw';
import submitSignal from './signals/submit-signal.graphql?raw';
import watchSignal from './signals/watch-signal.graphql?raw';

const unknownSignal = 'signal_';

export const signals: Example[] = [
  {
    title: 'Submit a signal',
    sentence: 'Answered at once as PENDING; three processors look at it meanwhile.',
    query: submitSignal,
    variables: () => ({
      input: { source: 'boiler', value: Math.round((20 + Math.random() * 10) * 100) / 100 },
    }),
  },
  {
    title: 'Watch a signal',
    sentence: 'Every step of the signal last seen, from the first on: nothing is missed.',
    live: true,
    query: watchSignal,
    variables: ({ signalId = unknownSignal, openingCursor }) => ({
      id: signalId,
      after: openingCursor ?? null,
    }),
  },
  {
    title: 'Read a signal',
    sentence: 'What was found so far, and who was missing at the deadline.',
    query: readSignal,
    variables: ({ signalId = unknownSignal }) => ({ id: signalId }),
  },
  {
    title: 'List signals',
    sentence: 'Of one source, newest first.',
    query: listSignals,
    variables: () => ({ source: 'boiler', first: 20, after: null }),
  },
];
