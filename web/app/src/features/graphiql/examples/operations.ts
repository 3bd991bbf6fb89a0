// Examples for administrators: how the processes do.
import type { Example } from './example';
import caches from './operations/caches.graphql?raw';
import readModels from './operations/read-models.graphql?raw';
import rebuildReadModel from './operations/rebuild-read-model.graphql?raw';

export const operations: Example[] = [
  {
    title: 'Rebuild a read model',
    sentence: 'A worker builds its tables anew from the log, beside those that are read meanwhile.',
    query: rebuildReadModel,
    variables: () => ({ input: { name: 'posts' } }),
  },
  {
    title: 'See the read models',
    sentence: 'How far a rebuild is, and which rows it found different.',
    query: readModels,
  },
  {
    title: 'See the caches',
    sentence: 'Of the gateway that answers: what they hold, and what they had to load.',
    query: caches,
  },
];
