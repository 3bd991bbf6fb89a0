// What the first page says of Millrace in numbers. A number is here only if docs/measurements.md has it, or the tests hold it.
export interface Fact {
  number: string;
  text: string;
  /** Where docs/measurements.md says it; the part in parentheses is the number. */
  measured?: RegExp;
}

export const facts: readonly Fact[] = [
  {
    number: '0',
    text: 'events lost, doubled or out of order, in tests that kill every process and cut every line',
  },
  {
    number: '2.9 ms',
    text: 'from a mutation to its 100 subscribers, at the median, on two slow cores',
    measured:
      /mutation sent to event received, 100 subscribers, 50 events\/s, p50 [^|]*\| ([\d.]+) /,
  },
  {
    number: '7.5 KiB',
    text: 'of memory for a socket that subscribes and hears nothing',
    measured: /An idle subscribed one takes ([\d.]+) KiB/,
  },
];
