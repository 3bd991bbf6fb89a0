// Builds the pages the gateway serves: each *.html entry lands in dist/, its files, named by the
// hash of their content, in dist/assets/. Nothing is left to be fetched from another host.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const gateway = 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/',
  plugins: [react()],
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: { graphiql: 'graphiql.html' },
      onwarn(warning, warn) {
        // GraphiQL ships "use no memo" hints for a compiler that has already run.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
    // Monaco is one large, lazily loaded chunk by nature; the default limit would only nag.
    chunkSizeWarningLimit: 4096,
  },
  worker: { format: 'es' },
  server: {
    proxy: { '/graphql': { target: gateway, ws: true }, '/schema.graphql': gateway },
  },
});
