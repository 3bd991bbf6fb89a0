// A web site of the test's own: serves the package and what it imports to a browser as they are, and passes `/graphql` on to
// the gateway under the same origin.
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

const web = path.resolve(import.meta.dirname, '../..');
const page = `<!doctype html><script type="importmap">${JSON.stringify({
  imports: {
    '@millrace/client': '/client/dist/index.js',
    'graphql-ws/client': '/node_modules/graphql-ws/dist/client.js',
    graphql: '/node_modules/graphql/index.mjs',
  },
})}</script><script type="module">
import * as millrace from '@millrace/client';
globalThis.millrace = millrace;
</script>`;

export async function site(base) {
  const { hostname, port } = new URL(base);
  /** The bodies of what was sent to the gateway. */
  const sent = [];
  const server = http.createServer(async (request, response) => {
    if (request.url === '/graphql') {
      const chunks = await request.toArray();
      const body = Buffer.concat(chunks);
      sent.push(String(body));
      const { method, headers } = request;
      const onward = http.request(
        { hostname, port, path: '/graphql', method, headers },
        (answer) => {
          response.writeHead(answer.statusCode, answer.headers);
          answer.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      return onward.end(body);
    }
    if (request.url === '/') return response.setHeader('content-type', 'text/html').end(page);
    const file = path.join(web, path.normalize(request.url));
    const text = await readFile(file).catch(() => undefined);
    if (!text) return response.writeHead(404).end();
    response.setHeader('content-type', 'text/javascript').end(text);
  });
  server.on('upgrade', (request, client, head) => {
    const upstream = net.connect(Number(port), hostname, () => {
      const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`);
      upstream.write(`GET /graphql HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, sent };
}
