// Holds NUMBER subscribed sockets, for tests/instructions: says so when all of them are, and ends after so many EVENTS to each.
import { WebSocket } from 'ws';

const [url, token, number, events] = process.argv.slice(2);
const subscribe = {
  query: 'subscription { customerChanged { type version customer { id name } } }',
};

function hold() {
  const socket = new WebSocket(url, 'graphql-transport-ws');
  const send = (message) => socket.send(JSON.stringify(message));
  let left = Number(events);
  return new Promise((done, failed) => {
    const subscribed = new Promise((begun) => {
      socket.on('open', () =>
        send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }),
      );
      socket.on('message', (text) => {
        const { type, payload } = JSON.parse(text);
        if (type === 'connection_ack') {
          send({ type: 'subscribe', id: '1', payload: subscribe });
          send({ type: 'ping' });
        } else if (type === 'pong') begun();
        else if (type === 'next' && payload.data && --left === 0) done();
        else if (type === 'error' || payload?.errors) failed(text);
      });
      socket.on('close', failed);
      socket.on('error', failed);
    });
    all.push(subscribed);
  });
}

const all = [];
const ended = Array.from({ length: Number(number) }, hold);
await Promise.all(all);
console.log('subscribed');
await Promise.all(ended);
process.exit();
