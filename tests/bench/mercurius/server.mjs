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
  type User { id: ID! name: String! }
  type Comment { id: ID! text: String! author: User! }
  type Post { id: ID! message: String! author: User! comments(first: Int!): [Comment!]! }
  type Query { customer(id: ID!): Customer posts(first: Int!): [Post!]! }
  type Mutation { createCustomer(input: CreateCustomerInput!): CreateCustomerPayload! }
  type Subscription { customerChanged: CustomerChange! }
`;
const CHANGED = 'customerChanged';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
const redis = new URL(process.env.REDIS_URL);

// A named statement is prepared once a connection.
async function rows(name, text, values) {
  return (await pool.query({ name, text, values })).rows;
}
const row = async (...statement) => (await rows(...statement))[0];

async function authors(queries) {
  const ids = [...new Set(queries.map(({ obj }) => obj.author_id))];
  const found = await rows('authors', 'select id, name from member where id = any($1::uuid[])', [ids]);
  const byId = new Map(found.map((author) => [author.id, author]));
  return queries.map(({ obj }) => byId.get(obj.author_id));
}

// One statement for all posts: they are asked for the same number of comments.
async function comments(queries) {
  const text = `select c.* from unnest($1::uuid[]) p (id) cross join lateral (
      select id, post_id, author_id, text from comment where post_id = p.id order by number limit $2) c`;
  const byPost = new Map(queries.map(({ obj }) => [obj.id, []]));
  for (const comment of await rows('comments', text, [[...byPost.keys()], queries[0].params.first])) {
    byPost.get(comment.post_id).push(comment);
  }
  return queries.map(({ obj }) => byPost.get(obj.id));
}

const resolvers = {
  Query: {
    customer: (_, { id }) =>
      row('find', 'select id, name, email, status from customer where id = $1', [id]),
    posts: (_, { first }) => {
      const newest = 'select id, author_id, message from post order by created_at desc, id desc limit $1';
      return rows('posts', newest, [first]);
    },
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

const loaders = {
  Post: { author: authors, comments },
  Comment: { author: authors },
};

const app = Fastify();
await app.register(mercurius, {
  schema,
  resolvers,
  loaders,
  jit: 1,
  path: '/graphql',
  subscription: { emitter: mqemitterRedis({ host: redis.hostname, port: Number(redis.port) }) },
});
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
