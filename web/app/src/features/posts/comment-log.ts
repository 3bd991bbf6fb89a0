// The comments of a post as far as they were read: a part without holes that ends with the newest, ordered by number.
//
// The newest are a window that moves when something is written. What leaves it at its beginning was read, and stays; what is
// missing inside of it was deleted. A window that does not reach what is here shows that something between was never read, and
// takes its place.
export interface Page<C> {
  nodes: readonly C[];
  pageInfo: { hasPreviousPage: boolean; startCursor?: string | null | undefined };
}

export interface CommentLog<C> {
  /** Ascending by number. */
  comments: readonly C[];
  /** Where older ones are read before; undefined when there are none. */
  cursor: string | undefined;
}

interface Numbered {
  id: string;
  number: number;
}

/** Beyond this, what was read of the past is let go when something new comes. */
export const mostComments = 1_000;

const cursorOf = ({ pageInfo }: Page<unknown>) =>
  pageInfo.hasPreviousPage ? (pageInfo.startCursor ?? undefined) : undefined;

export function withLatest<C extends Numbered>(
  log: CommentLog<C> | undefined,
  page: Page<C>,
): CommentLog<C> {
  const latest = { comments: page.nodes, cursor: cursorOf(page) };
  const [first] = page.nodes;
  const last = log?.comments.at(-1);
  if (!log || !first || !last || latest.cursor === undefined) return latest;
  // Numbers are never used again, but those of deleted ones are missing: only what is in both shows that they meet.
  const here = new Set(log.comments.map(({ id }) => id));
  const older = log.comments.filter(({ number }) => number < first.number);
  const doesMeet = first.number === last.number + 1 || page.nodes.some(({ id }) => here.has(id));
  if (!doesMeet || older.length === 0 || log.comments.length > mostComments) return latest;
  return { comments: [...older, ...page.nodes], cursor: log.cursor };
}

export function withOlder<C extends Numbered>(log: CommentLog<C>, page: Page<C>): CommentLog<C> {
  const first = log.comments[0]?.number ?? Number.POSITIVE_INFINITY;
  const older = page.nodes.filter(({ number }) => number < first);
  return { comments: [...older, ...log.comments], cursor: cursorOf(page) };
}

export function without<C extends Numbered>(log: CommentLog<C>, id: string): CommentLog<C> {
  return { ...log, comments: log.comments.filter((comment) => comment.id !== id) };
}

/** What was edited here: outside of the window nobody else tells it. */
export function withChanged<C extends Numbered>(log: CommentLog<C>, changed: C): CommentLog<C> {
  const { id } = changed;
  return { ...log, comments: log.comments.map((each) => (each.id === id ? changed : each)) };
}
