// A socket on a stream of HTTP/2 (RFC 8441), frame by frame, as no WebSocket client of Node speaks it: messages
// of all lengths, in pieces and whole, a ping, an event, and the close.
import { once } from 'node:events';
import http2 from 'node:http2';
import { newCustomer, post, writes } from './customers.mjs';
import { adminAuthorization, program, until } from './program.mjs';

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

/** A client's frame. Its mask is zero. */
function frame(opcode, payload, isLast = true) {
  const length = payload.length;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = opcode | (isLast ? 0x80 : 0);
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.alloc(4), Buffer.from(payload)]);
}

/** The server's frames, as they arrive. */
function framesOf(stream) {
  const frames = [];
  let rest = Buffer.alloc(0);
  stream.on('data', (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      if (rest.length < 2) return;
      const short = rest[1];
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < start) return;
      const length = start === 2 ? short : start === 4 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < start + length) return;
      frames.push({ opcode: rest[0] & 0xf, payload: rest.subarray(start, start + length) });
      rest = rest.subarray(start + length);
    }
  });
  return frames;
}

await program(async (base, check) => {
  const session = http2.connect(base);
  await once(session, 'remoteSettings');
  check('the server offers sockets on HTTP/2', session.remoteSettings.enableConnectProtocol);
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':path': '/graphql',
    ':authority': new URL(base).host,
    'sec-websocket-version': '13',
    'sec-websocket-protocol': 'graphql-transport-ws',
  });
  const frames = framesOf(stream);
  const [headers] = await once(stream, 'response');
  check('it accepts one', headers[':status'] === 200, headers);
  check('it speaks the protocol', headers['sec-websocket-protocol'] === 'graphql-transport-ws', headers);

  const send = (message) => stream.write(frame(TEXT, JSON.stringify(message)));
  const next = (what, wanted) => until(what, () => frames.find(wanted));
  const message = (what, wanted) =>
    next(what, ({ opcode, payload }) => opcode === TEXT && wanted(JSON.parse(payload)));
  send({ type: 'connection_init', payload: { authorization: adminAuthorization } });
  await message('the acknowledgement', ({ type }) => type === 'connection_ack');
  check('it acknowledges');

  stream.write(frame(PING, 'hello'));
  const pong = await next('a pong', ({ opcode }) => opcode === PONG);
  check('a ping is answered with what it said', pong.payload.toString() === 'hello');

  // Longer than a stream's window.
  const query = `{ __typename } # ${'x'.repeat(300_000)}`;
  send({ id: 'long', type: 'subscribe', payload: { query } });
  await message('an answer', ({ id, type }) => id === 'long' && type === 'next');
  check('a long message is read');
  const whole = Buffer.from(JSON.stringify({ id: 'pieces', type: 'subscribe', payload: { query: '{ __typename }' } }));
  stream.write(frame(TEXT, whole.subarray(0, 10), false));
  stream.write(frame(PING, ''));
  stream.write(frame(0, whole.subarray(10)));
  await message('an answer', ({ id, type }) => id === 'pieces' && type === 'next');
  check('a message in pieces is read');

  send({ id: 'live', type: 'subscribe', payload: { query: 'subscription { customerChanged { customer { name } } }' } });
  await until('an event', async () => {
    await post(base, writes.create, { input: newCustomer('http2') });
    return frames.some(({ payload }) => payload.toString().startsWith('{"id":"live","type":"next"'));
  });
  check('events arrive');

  stream.end(frame(CLOSE, Buffer.from([0x03, 0xe8])));
  const close = await next('the close', ({ opcode }) => opcode === CLOSE);
  check('the close is answered', close.payload.readUInt16BE(0) === 1000);
  await until('the end', () => stream.closed);
  check('the stream ends');
  session.close();
});
