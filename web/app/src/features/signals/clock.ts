// What time it is at the gateway, which may be another one than here: learned from events as they come. An event is never from
// the future, so of all differences the largest is the nearest to the truth.
let ahead: number | undefined;

/** Takes the time of an event that has just come. */
export function heard(at: string, now = Date.now()): void {
  const difference = Date.parse(at) - now;
  if (!Number.isNaN(difference)) ahead = Math.max(ahead ?? difference, difference);
}

export function gatewayNow(now = Date.now()): number {
  return now + (ahead ?? 0);
}
