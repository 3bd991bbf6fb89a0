// The answer of a live query, as revisions of it come: whole, or as a patch against the one before. A revision that does not
// follow the one before means that something was missed, and the query is asked anew. After a lost line the query names what
// is here, and what is still right is not sent again.
import { applyPatch, type Patch } from './patch.ts';
import type { Result } from './types.ts';

type Revision = Result & { revision?: number; patch?: Patch };

export class LiveAnswer {
  #data: unknown;
  #revision = 0;
  #known: { digest: string; cursor: string } | undefined;

  /** A line begins: returns what it may go on from, for the request's extensions. */
  begin(): { digest: string; cursor: string } | undefined {
    this.#revision = 0;
    return this.#known;
  }

  /** Forgets what is here, so that the next line begins with a whole answer. */
  forget(): void {
    this.#known = undefined;
  }

  /** Returns the whole answer, or that it is unchanged; nothing when a patch does not fit. */
  next(received: Result): Result | 'unchanged' | undefined {
    const { revision, patch, ...rest } = received as Revision;
    const isUnchanged = rest.extensions?.unchanged === true;
    if (patch !== undefined && !this.#apply(patch, revision)) return undefined;
    if (patch === undefined && !isUnchanged) this.#data = rest.data;
    if (revision !== undefined) this.#revision = revision;
    const { digest, cursor } = rest.extensions ?? {};
    const isKnown = typeof digest === 'string' && typeof cursor === 'string';
    this.#known = isKnown ? { digest, cursor } : undefined;
    return isUnchanged ? 'unchanged' : { ...rest, data: this.#data };
  }

  #apply(patch: Patch, revision: number | undefined): boolean {
    // The first revision of a line is a patch only where the gateway knows by the digest what is here.
    if (revision !== this.#revision + 1 || (revision === 1 && !this.#known)) return false;
    try {
      this.#data = applyPatch(this.#data, patch);
      return true;
    } catch {
      return false;
    }
  }
}
