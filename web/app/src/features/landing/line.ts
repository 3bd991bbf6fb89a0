// A line that can be cut: what the client of one side of the demonstration uses in place of the browser's. Cut, it behaves as a
// network that is gone: open sockets close, new ones do not open, and requests fail.
export class CuttableLine {
  #isCut = false;
  readonly #sockets = new Set<WebSocket>();

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) {
      // What the network would say. The gateway hears of it when the socket is closed.
      socket.onmessage = null;
      const { onclose } = socket;
      socket.onclose = null;
      socket.close();
      onclose?.call(socket, new CloseEvent('close', { code: 1006, wasClean: false }));
    }
    this.#sockets.clear();
  }

  mend(): void {
    this.#isCut = false;
  }

  readonly fetch: typeof fetch = (...sent) =>
    this.#isCut ? Promise.reject(new TypeError('The line is cut')) : fetch(...sent);

  get webSocketImpl(): unknown {
    const isCut = () => this.#isCut;
    const sockets = this.#sockets;
    function Cuttable(url: string, protocols?: string | string[]): WebSocket {
      if (isCut()) return dead();
      const socket = new WebSocket(url, protocols);
      sockets.add(socket);
      socket.addEventListener('close', () => sockets.delete(socket));
      return socket;
    }
    return Object.assign(Cuttable, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
  }
}

/** A socket that does not open. */
function dead(): WebSocket {
  const socket = Object.assign(new EventTarget(), {
    readyState: 3,
    close: () => {},
    send: () => {},
    onopen: null,
    onmessage: null,
    onerror: null as ((event: Event) => void) | null,
    onclose: null as ((event: CloseEvent) => void) | null,
  });
  queueMicrotask(() => socket.onclose?.(new CloseEvent('close', { code: 1006, wasClean: false })));
  return socket as unknown as WebSocket;
}
