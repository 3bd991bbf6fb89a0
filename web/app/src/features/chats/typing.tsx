// Who types: told to the others while somebody types here, and shown for a moment after each report of theirs.
import { useCallback, useEffect, useRef, useState } from 'react';
import { useEvents } from '../../lib/events';
import { graphql } from '../../lib/graphql';
import { useAct } from '../../lib/live';
import { millrace } from '../../lib/millrace';
import { useSession } from '../../lib/session';
import classes from './composer.module.css';
import { typingText } from './names';

const Typing = graphql(`
  subscription Typing($id: ID!) { typing(id: $id) { at user { id name } } }
`);
const SetTyping = graphql(`
  mutation SetTyping($input: SetTypingInput!) { setTyping(input: $input) { chat { id } } }
`);

const reportMs = 3_000;
const shownMs = 6_000;

/** Returns what is called at each key. */
export function useTypingReport(chatId: string): () => void {
  const report = useAct(SetTyping);
  const last = useRef(Number.NEGATIVE_INFINITY);
  return useCallback(() => {
    const now = performance.now();
    // It is about this moment, so it is not kept for later.
    if (now - last.current < reportMs || millrace.state.status !== 'live') return;
    last.current = now;
    report({ input: { id: chatId } }).catch(() => {
      // The next key reports it.
      last.current = Number.NEGATIVE_INFINITY;
    });
  }, [report, chatId]);
}

export function TypingLine({ chatId }: { chatId: string }) {
  const { me } = useSession();
  const [typing, setTyping] = useState<ReadonlyMap<string, { name: string; until: number }>>(
    new Map(),
  );
  useEvents(Typing, { id: chatId }, ({ typing: { user } }) => {
    if (user.id === me?.id) return;
    const { id, name } = user;
    setTyping((before) => new Map(before).set(id, { name, until: Date.now() + shownMs }));
  });
  useEffect(() => {
    if (typing.size === 0) return;
    const first = Math.min(...[...typing.values()].map(({ until }) => until));
    const timer = setTimeout(
      () => {
        const now = Date.now();
        setTyping((before) => new Map([...before].filter(([, { until }]) => until > now)));
      },
      Math.max(first - Date.now(), 0) + 20,
    );
    return () => clearTimeout(timer);
  }, [typing]);
  return (
    <div className={classes.typing} aria-live="polite">
      {typingText([...typing.values()].map(({ name }) => name.split(' ')[0] ?? name))}
    </div>
  );
}
