// Reads the log from the Redis that the gateways share, with a type for each version of each event. For programs beside Millrace that
// may see everything: Redis knows no rights. `npm run feed` takes GATEWAY, REDIS_URL and REDIS_PREFIX from its environment.
import { createClient } from 'redis';
import type { Event } from './generated/events';

const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:8080';
const prefix = process.env.REDIS_PREFIX ?? 'millrace';
const parts = Array.from({ length: 16 }, (_, part) => part);

/** Where the log is now: the epoch and the position of the cursor that every answer has. */
async function present(): Promise<{ epoch: string; position: string }> {
  const response = await fetch(`${gateway}/graphql?query={__typename}`);
  const { extensions } = await response.json();
  const [epoch, position] = extensions.cursor.split('-');
  return { epoch, position };
}

/** All events from now on, each part of the log in order. */
async function* events(): AsyncGenerator<Event> {
  const redis = createClient({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' });
  await redis.connect();
  const { epoch, position } = await present();
  const streams = parts.map((part) => ({
    key: `${prefix}:{${epoch}}:part:${part}`,
    id: `${position}-0`,
  }));
  console.log(`from ${epoch}-${position} on`);
  for (;;) {
    const found = (await redis.xRead(streams, { BLOCK: 1000, COUNT: 100 })) as Found | null;
    for (const { name, messages } of found ?? []) {
      const stream = streams.find(({ key }) => key === name);
      if (!stream) continue;
      for (const { id, message } of messages) {
        const event: Event = JSON.parse(message.event);
        // What was trimmed is still in the log: the subscription `eventLog` has it.
        if (event.previous > Number.parseInt(stream.id, 10))
          throw new Error(`${name} has lost what follows ${stream.id}`);
        stream.id = id;
        yield event;
      }
    }
    // A log that was restored goes on in other streams.
    if (!found && (await present()).epoch !== epoch) throw new Error(`the epoch ${epoch} is over`);
  }
}

type Found = { name: string; messages: { id: string; message: { event: string } }[] }[];

for await (const event of events()) {
  switch (event.type) {
    case 'CustomerCreated':
      console.log(`${event.data.customer.name} is a new customer, by ${event.meta.actor}`);
      break;
    case 'PostCreated':
      // Version 1 called it differently, and such events are still in the log.
      console.log(`a post: ${event.schema_version === 1 ? event.data.text : event.data.message}`);
      break;
    default:
      console.log(`${event.type} of ${event.stream} ${event.stream_id}`);
  }
}
