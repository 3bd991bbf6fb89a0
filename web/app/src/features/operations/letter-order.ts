// In which order several dead letters are replayed or discarded, where some are of one stream.
//
// A follower applies the letters of a stream in order, so replaying one replays the whole stream: one letter stands for all. Discarding
// the first of a stream applies those that wait behind it, so those that are to be discarded, too, go before it.
export interface OrderedLetter {
  consumer: string;
  consumerKind: 'FOLLOWER' | 'HANDLER';
  streamId: string;
  position: number;
}

export function toReplay<L extends OrderedLetter>(letters: readonly L[]): L[] {
  const streams = new Set<string>();
  return letters
    .toSorted((a, b) => a.position - b.position)
    .filter(({ consumer, consumerKind, streamId }) => {
      if (consumerKind === 'HANDLER') return true;
      const stream = `${consumer} ${streamId}`;
      const isFirst = !streams.has(stream);
      streams.add(stream);
      return isFirst;
    });
}

export function toDiscard<L extends OrderedLetter>(letters: readonly L[]): L[] {
  return letters.toSorted((a, b) => b.position - a.position);
}
