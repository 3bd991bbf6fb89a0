// A list that goes on and stays current: pages as they are scrolled to, and one subscription from the cursor of the first page,
// so that no change falls between them.
//
// A change says which object it is about and who did it, not whether the list has it now. So the gateway is asked: the list's
// own filter, and these ids. What it returns is in the list, at the place where its order puts it; what it does not is out. Places behind the
// last page that was read are left to the pages. Of one row the highest version counts: an answer that was on its way is older.
import { passing, retryMs } from './errors';
import type { Change, Connection, Follow, ListState, Page, Row } from './list-source';

export type { Change, ListState, OwnListState, Row } from './list-source';

export const tintMs = 1_500;
const settleMs = 120;
const longestPage = 100;
/** After so many that came by themselves the list begins anew: a page may be open for days. */
export const mostArrived = 2_000;

const codeOf = (error: Error) => (error as { code?: string }).code ?? '';
const mayPass = (error: Error) => passing.has(codeOf(error));

export class LiveList<R extends Row> {
  #state: ListState<R> = {
    rows: [],
    total: undefined,
    hasMore: false,
    isLoading: true,
    isLoadingMore: false,
    isFollowed: false,
    error: undefined,
    changed: new Map(),
    arrived: 0,
  };
  readonly #rows = new Map<string, R>();
  #order: string[] = [];
  /** The rows as they were when they were put in their places: by these the list is in order. */
  readonly #placed = new Map<string, R>();
  #waiting = new Set<string>();
  /** How many came by themselves since the first page. */
  #arrivals = 0;
  /** More came than are kept. */
  #isFlooded = false;
  #isScrolled = false;
  #endCursor: string | null = null;
  /** The last row of the last page, as it was: the next page begins behind it. */
  #end: R | undefined;
  #touched = new Set<string>();
  #settling: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  /** Why it could not be asked about what changed. */
  #unasked: Error | undefined;
  #retrying: ReturnType<typeof setTimeout> | undefined;
  readonly #stops = new Set<() => void>();
  readonly #tints = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #listeners = new Set<() => void>();
  readonly #page: Page<R>;
  readonly #follow: Follow<R>;
  readonly #compare: (a: R, b: R) => number;
  readonly #has: ((row: R) => boolean) | undefined;
  readonly #self: () => string | undefined;
  readonly #most: number;

  constructor(parts: {
    page: Page<R>;
    follow: Follow<R>;
    compare: (a: R, b: R) => number;
    /** Whether a row can be in the list, as far as the row says. What one has just removed leaves before the gateway tells. */
    has?: ((row: R) => boolean) | undefined;
    /** Whose own changes are not pointed out. */
    self?: () => string | undefined;
    /** The most rows that are read at once; fewer where a row costs much. */
    most?: number | undefined;
  }) {
    this.#page = parts.page;
    this.#follow = parts.follow;
    this.#compare = parts.compare;
    this.#has = parts.has;
    this.#self = parts.self ?? (() => undefined);
    this.#most = parts.most ?? longestPage;
  }

  readonly get = () => this.#state;

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  start(): void {
    this.#state = { ...this.#state, isFollowed: false };
    this.#isAsking = false;
    const again = (error: Error) => {
      this.#state = { ...this.#state, isFollowed: false };
      this.#failed(error, this.restart);
    };
    const next = (connection: Connection<R>, cursor: string | undefined) => {
      const isFirst = this.#state.isLoading || (cursor !== undefined && !this.#state.isFollowed);
      this.#take(connection, isFirst ? 'replace' : 'refresh');
      if (cursor === undefined || this.#state.isFollowed) return;
      this.#set({ isFollowed: true });
      this.#stops.add(
        this.#follow(cursor, {
          change: (row, change) => this.#changed(row, change),
          gone: (id) => this.#gone(id),
          unclear: () => this.#askAll(),
          // What happened meanwhile is not told any more: begin again.
          gap: () => this.restart(),
          failed: again,
        }),
      );
    };
    this.#read({ first: Math.min(50, this.#most), after: null }, next, again);
  }

  stop(): void {
    clearTimeout(this.#settling);
    clearTimeout(this.#retrying);
    this.#settling = undefined;
    for (const stop of this.#stops) stop();
    this.#stops.clear();
    for (const timer of this.#tints.values()) clearTimeout(timer);
    this.#tints.clear();
  }

  readonly restart = () => {
    this.stop();
    this.#touched.clear();
    this.#set({
      isLoading: this.#order.length === 0,
      isLoadingMore: false,
      error: undefined,
      changed: new Map(),
    });
    this.start();
  };

  readonly loadMore = () => {
    const { hasMore, isLoadingMore } = this.#state;
    // Without its first page, or the changes since, it begins anew.
    if (!this.#state.isFollowed && this.#state.error) return this.restart();
    // A page of the cache may end elsewhere than the gateway's.
    if (!hasMore || isLoadingMore || !this.#state.isFollowed) return;
    this.#set({ isLoadingMore: true, error: undefined });
    // What could not be asked is asked again with it.
    if (this.#touched.size > 0) this.#settling ??= setTimeout(() => this.#settle(), settleMs);
    let isTaken = false;
    const stop = this.#read(
      { first: this.#most, after: this.#endCursor },
      (connection, cursor) => {
        const isNew = !isTaken && cursor !== undefined;
        isTaken ||= isNew;
        this.#take(connection, isNew ? 'append' : 'refresh');
      },
      (error) => {
        queueMicrotask(stop);
        this.#failed(error, this.loadMore);
      },
    );
  };

  /** Reads on until all rows are here, or as many as `most`. Returns early when the list is left, and throws when a page fails. */
  readonly loadAll = async (most: number): Promise<readonly R[]> => {
    while (this.#state.hasMore && this.#order.length < most && this.#stops.size > 0) {
      this.loadMore();
      if (!this.#state.isLoadingMore) break;
      await new Promise<void>((done) => {
        const unsubscribe = this.subscribe(() => {
          if (!this.#state.isLoadingMore) settle();
        });
        const settle = () => {
          unsubscribe();
          this.#stops.delete(settle);
          done();
        };
        this.#stops.add(settle);
      });
      if (this.#state.error) throw this.#state.error;
    }
    return this.#state.rows.slice(0, most);
  };

  /** The reader looks at something below the top, so what arrives above waits. */
  readonly scrolled = (isScrolled: boolean) => {
    this.#isScrolled = isScrolled;
    if (!isScrolled && this.#waiting.size > 0) this.showArrived();
  };

  readonly showArrived = () => {
    if (this.#isFlooded) return this.restart();
    const ids = [...this.#waiting];
    this.#waiting.clear();
    for (const id of ids) this.#place(id);
    this.#set({ arrived: 0 });
  };

  #read(
    window: { first: number; after: string | null; ids?: string[] },
    next: (connection: Connection<R>, cursor: string | undefined) => void,
    failed: (error: Error) => void,
  ): () => void {
    const stop = this.#page(window, { next, failed });
    this.#stops.add(stop);
    return () => {
      this.#stops.delete(stop);
      stop();
    };
  }

  /** Says so, and tries again by itself when it may pass. */
  #failed(error: Error, again: () => void): void {
    this.#set({ error, isLoading: false, isLoadingMore: false });
    if (!mayPass(error)) return;
    clearTimeout(this.#retrying);
    this.#retrying = setTimeout(again, retryMs);
  }

  #take({ nodes, total, pageInfo }: Connection<R>, how: 'replace' | 'append' | 'refresh'): void {
    if (how === 'replace') this.#begin(new Set(nodes.map(({ id }) => id)));
    for (const row of nodes) this.#keep(row);
    if (how !== 'refresh') {
      const ids = nodes.map(({ id }) => id);
      for (const row of nodes) this.#placed.set(row.id, row);
      const here = new Set(how === 'append' ? this.#order : []);
      this.#order = [...here, ...ids.filter((id) => !here.has(id))];
      this.#endCursor = pageInfo.endCursor ?? null;
      this.#end = nodes.at(-1);
      this.#set({
        hasMore: pageInfo.hasNextPage,
        isLoading: false,
        isLoadingMore: false,
        // A page does not say that the changes come again.
        ...((how === 'replace' || this.#state.isFollowed) && { error: undefined }),
        ...(total !== undefined && { total }),
      });
    } else this.#set({});
  }

  /** Forgets what is not on the first page any more. */
  #begin(ids: ReadonlySet<string>): void {
    for (const id of this.#rows.keys()) if (!ids.has(id)) this.#rows.delete(id);
    this.#placed.clear();
    this.#waiting.clear();
    this.#arrivals = 0;
    this.#isFlooded = false;
    this.#state = { ...this.#state, arrived: 0 };
  }

  #keep(row: R): void {
    const before = this.#rows.get(row.id);
    if (!before || before.version <= row.version) this.#rows.set(row.id, row);
  }

  #changed(row: R, change: Change): void {
    if (this.#rows.has(row.id)) this.#keep(row);
    this.#touch(row.id);
    if (change.actor.id === undefined || change.actor.id !== this.#self())
      this.#point(row.id, change);
    this.#set({});
  }

  /** It leaves at once, and is asked about, too: a page that is on its way may still have it. */
  #gone(id: string): void {
    this.#remove(id);
    this.#touch(id);
    this.#set({ arrived: this.#waiting.size });
  }

  #touch(id: string): void {
    // Faster than can be asked: those that are here come first, and the others with the next first page.
    if (this.#touched.size < mostArrived || this.#rows.has(id)) this.#touched.add(id);
    else this.#isFlooded = true;
    this.#settling ??= setTimeout(() => this.#settle(), settleMs);
  }

  /** All that are here, or wait, are asked for, in parts. */
  #askAll(): void {
    for (const id of [...this.#order, ...this.#waiting]) this.#touched.add(id);
    this.#settling ??= setTimeout(() => this.#settle(), settleMs);
  }

  #point(id: string, change: Change): void {
    this.#state = { ...this.#state, changed: new Map(this.#state.changed).set(id, change) };
    clearTimeout(this.#tints.get(id));
    const timer = setTimeout(() => {
      this.#tints.delete(id);
      const changed = new Map(this.#state.changed);
      changed.delete(id);
      this.#set({ changed });
    }, tintMs);
    this.#tints.set(id, timer);
  }

  /** Asks which of those that changed are in the list. */
  #settle(): void {
    this.#settling = undefined;
    if (this.#isAsking || this.#touched.size === 0) return;
    const ids = [...this.#touched].slice(0, this.#most);
    for (const id of ids) this.#touched.delete(id);
    this.#isAsking = true;
    const failed = (error: Error) => {
      queueMicrotask(done);
      this.#isAsking = false;
      for (const id of ids) this.#touched.add(id);
      if (mayPass(error)) this.#settling ??= setTimeout(() => this.#settle(), retryMs);
      // The next change asks again. The frame says what is wrong with the session.
      else if (codeOf(error) !== 'UNAUTHENTICATED') {
        this.#unasked = error;
        this.#set({ error });
      }
    };
    const done = this.#read(
      { first: this.#most, after: null, ids },
      (found, cursor) => {
        // What the cache has may be from before.
        if (cursor === undefined) return;
        queueMicrotask(done);
        this.#isAsking = false;
        const rows = new Map(found.nodes.map((row) => [row.id, row]));
        for (const id of ids) {
          const row = rows.get(id);
          if (!row) this.#remove(id);
          else {
            this.#keep(row);
            this.#arrive(id);
          }
        }
        const isFull = this.#isFlooded || this.#arrivals > mostArrived;
        if (isFull && !this.#isScrolled && !this.#state.isLoadingMore) return this.restart();
        this.#set({
          arrived: this.#waiting.size,
          ...(this.#state.error === this.#unasked && { error: undefined }),
        });
        this.#count();
        if (this.#touched.size > 0) this.#settling ??= setTimeout(() => this.#settle(), settleMs);
      },
      failed,
    );
  }

  #count(): void {
    if (this.#state.total === undefined) return;
    const done = this.#read(
      { first: 1, after: null },
      ({ total }, cursor) => {
        if (cursor === undefined) return;
        queueMicrotask(done);
        if (total !== undefined) this.#set({ total });
      },
      () => {
        // The next change counts again.
      },
    );
  }

  #remove(id: string): void {
    this.#waiting.delete(id);
    this.#placed.delete(id);
    this.#rows.delete(id);
    this.#order = this.#order.filter((other) => other !== id);
  }

  #arrive(id: string): void {
    const isHere = this.#order.includes(id);
    if (!isHere) this.#arrivals += 1;
    const isAbove = !isHere && this.#isScrolled && this.#placeOf(id) < this.#order.length;
    if (!isAbove) this.#place(id);
    else if (this.#waiting.size < mostArrived) this.#waiting.add(id);
    else if (!this.#waiting.has(id)) {
      this.#isFlooded = true;
      this.#rows.delete(id);
    }
  }

  #place(id: string): void {
    this.#order = this.#order.filter((other) => other !== id);
    const place = this.#placeOf(id);
    const row = this.#rows.get(id) as R;
    const isBehind = !this.#end || this.#compare(row, this.#end) > 0;
    // A page will have it.
    if (place === this.#order.length && this.#state.hasMore && isBehind) this.#remove(id);
    else {
      this.#order.splice(place, 0, id);
      this.#placed.set(id, row);
    }
  }

  #placeOf(id: string): number {
    const row = this.#rows.get(id) as R;
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#placed.get(this.#order[middle] as string) as R;
      if (this.#compare(row, other) < 0) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #set(more: Partial<ListState<R>>): void {
    const all = this.#order.map((id) => this.#rows.get(id) as R);
    const rows = this.#has ? all.filter(this.#has) : all;
    this.#state = { ...this.#state, ...more, rows };
    for (const listener of this.#listeners) listener();
  }
}
