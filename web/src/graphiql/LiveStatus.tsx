// The line under the response: whether a socket is open, how many events came, and the cursor to
// continue from. Announced politely, so that a lost connection is also heard.
import { type SocketState, useSession } from './session';

const socketText: Record<SocketState, string> = {
  idle: 'No live connection',
  connecting: 'Connecting',
  connected: 'Live',
  retrying: 'Connection lost, trying again',
};

export function LiveStatus() {
  const { socket, events, cursor } = useSession();
  return (
    <div className="live-status">
      <span className={`live-status-socket live-status-${socket}`} role="status">
        {socketText[socket]}
      </span>
      {socket !== 'idle' && <span>{events === 1 ? '1 event' : `${events} events`}</span>}
      {cursor && (
        <span className="live-status-cursor">
          Last cursor <code>{cursor}</code>
        </span>
      )}
    </div>
  );
}
