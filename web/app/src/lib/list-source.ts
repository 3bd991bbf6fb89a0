// What a live list is made of: where its pages and its changes come from.
import type { Change } from './list';

export interface Row {
  id: string;
  version: number;
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
    /** One that is here may have gone; it was not told which. */
    unclear(): void;
    gap(): void;
    failed(error: Error): void;
  },
) => () => void;
