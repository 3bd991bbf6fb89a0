// What a client may read of an access token, a JWT: whose it is, and its times by the gateway's clock. What this machine's clock says
// of them does not matter: it may be an hour ahead, or be set back while a session lasts.

interface Claims {
  sub?: unknown;
  /** When it was issued and when it ends, in seconds. */
  iat?: unknown;
  exp?: unknown;
}

/** Whose token it is. Nobody's without one, and where tokens are not those of the gateway. */
export function subjectOf(authorization: string | undefined): string {
  const { sub } = claimsOf(authorization);
  return sub === undefined ? '' : String(sub);
}

/** How long it is valid from when it was issued, in milliseconds. Nothing where tokens are not those of the gateway. */
export function lifetimeOf(token: string): number | undefined {
  const { iat, exp } = claimsOf(token);
  // Issued in a second that had begun.
  return typeof iat === 'number' && typeof exp === 'number' ? (exp - iat - 1) * 1000 : undefined;
}

/** Whether it was issued before the other one, as far as they say. */
export function isBefore(token: string, other: string): boolean {
  const [a, b] = [claimsOf(token), claimsOf(other)];
  if (a.iat === b.iat) return Number(a.exp) < Number(b.exp);
  return Number(a.iat) < Number(b.iat);
}

function claimsOf(authorization: string | undefined): Claims {
  try {
    const claims = authorization?.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '';
    return (JSON.parse(atob(claims)) as Claims | null) ?? {};
  } catch {
    return {};
  }
}
