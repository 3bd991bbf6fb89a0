// What the two do while nobody else does anything: small mutations, one after the other, each by the client of who does it.
import { Change, Like, Send, type Stage, Unlike } from './documents';
import type { Side } from './side';

const talk = [
  ['Good morning, Grace. Is the new reader up?', 'It is. It came back at the cursor it had.'],
  ['Did it miss anything while it was away?', 'Nothing. And nothing came twice.'],
  ['What if I restart the gateway now?', 'Then it waits, and goes on behind the last event.'],
  ['So no broker to run beside it?', 'None. The write and its event are one commit.'],
] as const;
const statuses = ['ACTIVE', 'SUSPENDED'] as const;

/** The steps of one round. A step that cannot be sent now waits in the queue of its client. */
export function steps([ada, grace]: readonly [Side, Side], stage: Stage, round: number) {
  const [question, answer] = talk[round % talk.length] ?? talk[0];
  const say = (side: Side, text: string) =>
    side.client.mutate(
      { query: Send, variables: { input: { chatId: stage.chat.id, text } } },
      { queue: true },
    );
  const variables = { input: { id: stage.post.id } };
  const isLiked = round % 2 === 0;
  const status = statuses[round % statuses.length] ?? 'ACTIVE';
  return [
    () => say(ada, question),
    (): Promise<unknown> =>
      isLiked
        ? grace.client.mutate({ query: Like, variables }, { queue: true })
        : grace.client.mutate({ query: Unlike, variables }, { queue: true }),
    () =>
      ada.client.mutate(
        { query: Change, variables: { input: { id: stage.customer.id, status } } },
        { queue: true },
      ),
    () => say(grace, answer),
  ];
}
