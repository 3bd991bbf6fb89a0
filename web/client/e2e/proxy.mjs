// A TCP proxy of the test's own, which cuts lines as a bad network does: at any byte, from either side, or by passing on
// nothing more and saying nothing. It can also be down, lose the next answers, or let no sockets through, as some companies'
// proxies do.
import net from 'node:net';

export async function proxy(target, { firstCutMs = 30, lastCutMs = 600 } = {}) {
  const { hostname, port } = new URL(target);
  const pairs = new Set();
  const seen = { lines: 0, cuts: 0, upgrades: 0 };
  const mode = { cuts: false, refusesSockets: false, lostAnswers: 0 };

  const server = net.createServer((client) => {
    seen.lines += 1;
    const upstream = net.connect(Number(port), hostname);
    const end = () => {
      clearTimeout(cutting);
      client.destroy();
      upstream.destroy();
      pairs.delete(pair);
    };
    let isSilent = false;
    const silence = () => {
      isSilent = true;
    };
    const pair = { end, silence };
    pairs.add(pair);
    let isFirst = true;
    client.on('data', (bytes) => {
      const isUpgrade = isFirst && /upgrade: websocket/i.test(bytes.toString('latin1'));
      isFirst = false;
      if (isUpgrade) seen.upgrades += 1;
      if (isUpgrade && mode.refusesSockets) return end();
      if (!isSilent && !upstream.destroyed) upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (isSilent || client.destroyed) return;
      if (mode.lostAnswers > 0) {
        mode.lostAnswers -= 1;
        return end();
      }
      // The last piece before a cut may be any part of a frame.
      if (mode.cuts && Math.random() < 0.02) {
        client.write(bytes.subarray(0, Math.floor(Math.random() * bytes.length)));
        seen.cuts += 1;
        return setImmediate(end);
      }
      client.write(bytes);
    });
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
    const cut = () => {
      if (!mode.cuts) return wait();
      seen.cuts += 1;
      // Some fall silent before they are gone.
      isSilent = Math.random() < 0.3;
      cutting = setTimeout(end, isSilent ? 100 : 0);
    };
    let cutting;
    const wait = () => {
      cutting = setTimeout(cut, firstCutMs + Math.random() * (lastCutMs - firstCutMs));
    };
    wait();
  });
  const listen = (on) => new Promise((resolve) => server.listen(on, '127.0.0.1', resolve));
  await listen(0);
  const own = server.address().port;
  return {
    url: `http://127.0.0.1:${own}/graphql`,
    seen,
    mode,
    /** Cuts every line, and refuses new ones until `rise`. */
    fall: () => {
      server.close();
      for (const { end } of [...pairs]) end();
    },
    rise: () => listen(own),
    /** Passes on nothing more on the lines that are open, for ever, and says nothing. */
    silence: () => {
      for (const { silence } of pairs) silence();
    },
  };
}
