// How far a signal is: what each processor does, and what became of the whole.
import type { SignalPartsFragment } from '../../generated/graphql';

export const processors = ['STATISTICS', 'TREND', 'LEVELS'] as const;
export type Processor = (typeof processors)[number];
export type ProcessorState = 'waiting' | 'running' | 'answered' | 'late' | 'missing';

export const processorNames: Record<Processor, string> = {
  STATISTICS: 'Statistics',
  TREND: 'Trend',
  LEVELS: 'Levels',
};
export const statusNames = {
  PENDING: 'Waiting',
  PROCESSING: 'Processing',
  COMPLETED: 'Complete',
  PARTIAL: 'Partial',
} as const;

type Progress = Pick<SignalPartsFragment, 'status'> & {
  results: readonly { processor: Processor; isLate: boolean }[];
};

export const isOver = ({ status }: Pick<Progress, 'status'>): boolean =>
  status === 'COMPLETED' || status === 'PARTIAL';

export function stateOf(signal: Progress, processor: Processor): ProcessorState {
  const result = signal.results.find((each) => each.processor === processor);
  if (result) return result.isLate ? 'late' : 'answered';
  if (isOver(signal)) return 'missing';
  return signal.status === 'PENDING' ? 'waiting' : 'running';
}

/** What is left of the time until the deadline, from 1 to 0. */
export function timeLeft(
  { submittedAt, deadlineAt }: { submittedAt: string; deadlineAt: string },
  now: number,
): { share: number; ms: number } {
  const [from, to] = [Date.parse(submittedAt), Date.parse(deadlineAt)];
  const ms = Math.min(Math.max(to - now, 0), to - from);
  return { share: to > from ? ms / (to - from) : 0, ms };
}

/** "Partial: without Trend" */
export function outcomeOf(signal: Progress): string {
  const missing = processors.filter((processor) =>
    ['missing', 'late'].includes(stateOf(signal, processor)),
  );
  if (signal.status !== 'PARTIAL') return statusNames[signal.status];
  return `Partial: without ${missing.map((each) => processorNames[each]).join(' and ')}`;
}
