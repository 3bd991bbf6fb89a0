// What the events of a record say: each has the whole record after it, so what changed is the difference to the one before.
import type { TimelineEntry } from '../timeline';
import type { Person } from '../user-name';
import { type Fields, textOf, valuesOf } from './fields';

export interface RecordEvent {
  version: number;
  type: string;
  occurredAt: string;
  actor: Person;
  data: unknown;
}

/** The events up to the newest that nothing is missing between, oldest first. */
export function withoutGap<Event extends { version: number }>(events: Iterable<Event>): Event[] {
  const sorted = [...events].sort((a, b) => a.version - b.version);
  const gap = sorted.findLastIndex(
    ({ version }, place) => place > 0 && sorted[place - 1]?.version !== version - 1,
  );
  return sorted.slice(Math.max(gap, 0));
}

/**
 * The entries of a time line, newest first. `name` is the record's in the data of its events. The oldest event is told without
 * what it changed, unless it is the first of all; leave it out when more are to come.
 */
export function entriesOf(
  events: readonly RecordEvent[],
  name: string,
  fields: Fields,
  verbs: Record<string, string>,
): TimelineEntry[] {
  const recordOf = (event: RecordEvent | undefined) =>
    (event?.data as Record<string, object | undefined> | undefined)?.[name];
  const entries = events.map((event, place) => {
    const [before, after] = [recordOf(events[place - 1]), recordOf(event)];
    const [from, to] = [valuesOf(fields, before), valuesOf(fields, after)];
    const changed =
      before && after ? fields.filter(({ key }) => from[key] !== to[key]) : ([] as Fields);
    return {
      id: String(event.version),
      actor: event.actor,
      verb: verbs[event.type] ?? event.type,
      at: event.occurredAt,
      changes: changed.map((field) => ({
        field: field.label,
        from: textOf(field, from[field.key] ?? '') || null,
        to: textOf(field, to[field.key] ?? '') || null,
      })),
    };
  });
  return entries.reverse();
}
