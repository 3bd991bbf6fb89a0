// What a live list is made of, where its pages and its changes come from, and what it shows.
export interface Row {
  id: string;
  version: number;
}

export interface Change {
  type: string;
  actor: { name: string; id?: string };
  at: string;
}

export interface Connection<R> {
  nodes: readonly R[];
  total?: number | undefined;
  pageInfo: { hasNextPage: boolean; endCursor?: string | null | undefined };
}

/** Reads a part of the list, of `ids` only when they are given, and again whenever something in it changes here. */
export type Page<R> = (
  window: { first: number; after: string | null; ids?: string[] },
  sink: {
    /** `cursor` is that of the gateway's answer; what comes without is from the cache. */
    next(connection: Connection<R>, cursor: string | undefined): void;
    failed(error: Error): void;
  },
) => () => void;

/** Tells every change after the cursor, each once. */
export type Follow<R> = (
  cursor: string,
  sink: {
    change(row: R, change: Change): void;
    /** It is in no list any more. */
    gone(id: string): void;
    /** One that is here may have changed; it could not be read which. */
    unclear(): void;
    gap(): void;
    failed(error: Error): void;
  },
) => () => void;

export interface ListState<R extends Row> {
  rows: readonly R[];
  total: number | undefined;
  hasMore: boolean;
  /** The first page is not here yet. */
  isLoading: boolean;
  isLoadingMore: boolean;
  /** The gateway has answered the first page, and tells the changes since: more can be read. */
  isFollowed: boolean;
  error: Error | undefined;
  /** What others changed in the last moments, by id. */
  changed: ReadonlyMap<string, Change>;
  /** How many came that belong above what the reader looks at. */
  arrived: number;
}

/** That of a list of another make, whose pages need not wait for the first one. */
export type OwnListState<R extends Row> = Omit<ListState<R>, 'isFollowed'>;
