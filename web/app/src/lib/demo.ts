// The people of the demo data, as whom a visitor may enter without a password where the gateway shows such data.
import type { IssuedSession } from '@millrace/client';
import { useEffect, useState } from 'react';
import { beginSession, millrace } from './millrace';

export interface DemoPerson {
  name: string;
  email: string;
  role: 'MEMBER' | 'STAFF';
}

export interface Entered {
  session: IssuedSession;
  user: { id: string };
}

let asked: Promise<readonly DemoPerson[]> | undefined;

async function ask(): Promise<readonly DemoPerson[]> {
  const response = await fetch('/demo/people');
  if (!response.ok) return [];
  return ((await response.json()) as { people: DemoPerson[] }).people;
}

/** Undefined until it is known. */
export function useDemoPeople(): readonly DemoPerson[] | undefined {
  const [people, setPeople] = useState<readonly DemoPerson[]>();
  useEffect(() => {
    let isOver = false;
    asked ??= ask();
    asked
      .catch(() => {
        // Without an answer there is nobody to enter as, until the next page asks.
        asked = undefined;
        return [];
      })
      .then((found) => !isOver && setPeople(found));
    return () => {
      isOver = true;
    };
  }, []);
  return people;
}

/** Begins a session of such a person. */
export async function demoSession(email: string): Promise<Entered> {
  const response = await fetch('/demo/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email }),
  });
  if (!response.ok) throw new Error('Nobody can enter as this person now');
  return (await response.json()) as Entered;
}

export async function enterAs({ email }: DemoPerson): Promise<void> {
  const { session, user } = await demoSession(email);
  await beginSession(() => millrace.useSession(session, user.id));
}
