// Types for each document in src, from the schema alone. Copy it, and name where your schema is: the file, or the gateway's
// https://…/schema.graphql.
import type { CodegenConfig } from '@graphql-codegen/cli';

const config: CodegenConfig = {
  schema: '../../schema/schema.graphql',
  documents: 'src/**/*.ts',
  generates: {
    'src/generated/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        useTypeImports: true,
        // A scalar that the schema gains later is an error here, not `any`.
        strictScalars: true,
        scalars: { Date: 'string', DateTime: 'string', JSON: 'unknown', Upload: 'Blob' },
      },
    },
  },
};

export default config;
