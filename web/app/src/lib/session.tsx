// Who is signed in, and what becomes of the page when that changes.
//
// A session that ends by itself while somebody works leaves the page as it is: they sign in again over it, and nothing typed is
// lost. Another person gets a page and a cache of their own, so that nobody sees what was read for somebody else.

import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { Provider, type Client as Urql } from 'urql';
import type { MeQuery } from '../generated/graphql';
import { graphql } from './graphql';
import { useLive } from './live';
import { millrace } from './millrace';
import { createUrql } from './urql';

const Me = graphql(`
  query Me @live {
    me { id name username avatarUrl role email availability bio createdAt version }
  }
`);

export type Me = NonNullable<MeQuery['me']>;
/** Whom a page or an action is for. */
export type Audience = 'everybody' | 'member' | 'staff' | 'admin';

interface Session {
  /** `restoring`: not known yet. `expired`: it ended while the page was in use. */
  state: 'restoring' | 'out' | 'in' | 'expired';
  /** Null until it was answered, and when nobody is signed in. */
  me: Me | null;
  /** Whether the role allows what is for these. */
  isFor(audience: Audience): boolean;
  /** Leaves; with `everywhere` all sessions of the user end. */
  signOut(options?: { everywhere?: boolean }): Promise<void>;
}

const Context = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error('There is no SessionProvider around this');
  return session;
}

export function SessionProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<Session['state']>('restoring');
  const [urql, setUrql] = useState<Urql>(() => createUrql());
  /** Counts the people: what belongs to one is not shown to the next. */
  const [person, setPerson] = useState(0);
  const last = useRef<{ userId: string | undefined; isLeaving: boolean }>({
    userId: undefined,
    isLeaving: false,
  });

  useEffect(() => {
    let isOver = false;
    const enter = () => {
      const { userId } = millrace;
      if (userId !== last.current.userId && last.current.userId !== undefined)
        setPerson((count) => count + 1);
      last.current = { userId, isLeaving: false };
      setUrql(createUrql());
      setState('in');
    };
    const leave = () => {
      last.current = { userId: undefined, isLeaving: false };
      setPerson((count) => count + 1);
      setUrql(createUrql());
      setState('out');
    };
    const end = () => {
      // Who leaves everywhere may hear first that the session is over.
      if (last.current.isLeaving || last.current.userId === undefined) leave();
      else setState('expired');
    };
    const stop = millrace.onSession((change) => {
      if (change === 'begun') enter();
      if (change === 'ended') end();
      // In another tab, too: what was read for one who has left does not stay on a screen.
      if (change === 'left') leave();
    });
    millrace.restore().then((isSignedIn) => {
      if (isOver) return;
      last.current.userId = millrace.userId;
      setState((now) => (now === 'restoring' ? (isSignedIn ? 'in' : 'out') : now));
    });
    return () => {
      isOver = true;
      stop();
    };
  }, []);

  const signOut = useCallback(async ({ everywhere = false } = {}) => {
    last.current.isLeaving = true;
    // The session may be gone already; what is left then is to leave the page, and what waits in the queue.
    const isGone = millrace.userId === undefined;
    try {
      await millrace.signOut({ everywhere: everywhere && !isGone });
    } catch (cause) {
      // It ends here also when the gateway cannot be told, unless it was to end everywhere.
      if (!everywhere) return;
      last.current.isLeaving = false;
      throw cause;
    }
  }, []);

  return (
    <Provider value={urql}>
      <MeProvider key={person} state={state} signOut={signOut}>
        {children}
      </MeProvider>
    </Provider>
  );
}

function MeProvider({
  state,
  signOut,
  children,
}: Pick<Session, 'state' | 'signOut'> & { children: ReactNode }) {
  const { data } = useLive(Me, {}, { pause: state !== 'in' });
  const known = useRef<Me | null>(null);
  if (state === 'in' && data?.me) known.current = data.me;
  if (state === 'out') known.current = null;
  const me = known.current;
  const session = useMemo<Session>(() => {
    const ranks: Record<Audience, number> = { everybody: 0, member: 1, staff: 2, admin: 3 };
    const own = me ? ranks[me.role.toLowerCase() as Audience] : 0;
    return { state, me, signOut, isFor: (audience) => own >= ranks[audience] };
  }, [state, me, signOut]);
  return <Context.Provider value={session}>{children}</Context.Provider>;
}
