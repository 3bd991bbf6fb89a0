// The peer of the benchmark: Mercurius on Fastify with its JIT, Postgres by prepared statements, events over Redis. It takes the
// documents that Millrace takes, and does the least that answers them: an event is published and forgotten.
import Fastify from 'fastify';
import mercurius from 'mercurius';
import mqemitterRedis from 'mqemitter-redis';
import pg from 'pg';

const schema = `
  type Customer { id: ID! name: String! email: String! status: String! }
  type CustomerChange { customer: Customer! }
  input CreateCustomerInput { name: String!, email: String! }
  type CreateCustomerPayload { customer: Customer! }
  type Query { customer(id: ID!): Customer }
  type Mutation { createCustomer(input: CreateCustomerInput!): CreateCustomerPayload! }
  type Subscription { customerChanged: CustomerChange! }
`;
const CHANGED = 'customerChanged';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
const redis = new URL(process.env.REDIS_URL);

// A named statement is prepared once a connection.
async function row(name, text, values) {
  const { rows } = await pool.query({ name, text, values });
  return rows[0];
}

const resolvers = {
  Query: {
    customer: (_, { id }) =>
      row('find', 'select id, name, email, status from customer where id = $1', [id]),
  },
  Mutation: {
    createCustomer: async (_, { input }, { pubsub }) => {
      const insert =
        'insert into customer (name, email) values ($1, $2) returning id, name, email, status';
      const customer = await row('create', insert, [input.name, input.email]);
      await pubsub.publish({ topic: CHANGED, payload: { [CHANGED]: { customer } } });
      return { customer };
    },
  },
  Subscription: {
    customerChanged: { subscribe: (_, __, { pubsub }) => pubsub.subscribe(CHANGED) },
  },
};

const app = Fastify();
await app.register(mercurius, {
  schema,
  resolvers,
  jit: 1,
  path: '/graphql',
  subscription: { emitter: mqemitterRedis({ host: redis.hostname, port: Number(redis.port) }) },
});
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
