// Builds the app into the folder the gateway embeds. Nothing is fetched from another host.
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:8080';

/**
 * urql has a parser of its own, which is a fifth as large and does the same; so there is one for all that is loaded first.
 * GraphiQL validates and completes, which needs the whole of graphql.
 */
const wholeGraphql =
  /\/(node_modules\/(@?graphiql|monaco-graphql|graphql[^/]*)|features\/graphiql)\//;
const smallParser: Plugin = {
  name: 'small-parser',
  enforce: 'pre',
  resolveId(source, importer) {
    if (source !== 'graphql' || !importer || wholeGraphql.test(importer)) return undefined;
    return this.resolve('@0no-co/graphql.web', importer, { skipSelf: true });
  },
};

export default defineConfig({
  base: '/',
  plugins: [react(), smallParser],
  resolve: {
    // One copy of React and of what passes contexts along, wherever npm has put it.
    dedupe: ['react', 'react-dom', '@mantine/core', '@mantine/hooks'],
  },
  build: {
    target: 'es2022',
    outDir: '../dist',
    emptyOutDir: true,
    rolldownOptions: {
      onwarn(warning, warn) {
        // GraphiQL ships "use no memo" hints for a compiler that has already run.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning);
      },
    },
    // Monaco is one large, lazily loaded chunk by nature; the default limit would only nag.
    chunkSizeWarningLimit: 4096,
    manifest: 'app.json',
    // The policy of the page has no place for data addresses of scripts, and fonts are better cached than inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: 'es' },
  // They load workers, which only the whole build knows to do.
  optimizeDeps: {
    exclude: ['graphiql/setup-workers/vite', '@graphiql/react/setup-workers/vite'],
  },
  server: {
    fs: { allow: ['..', '../../schema'] },
    proxy: Object.fromEntries(
      ['/graphql', '/schema.graphql', '/health', '/assets', '/avatars', '/demo'].map((path) => [
        path,
        { target: gateway, ws: path === '/graphql' },
      ]),
    ),
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'], testTimeout: 60_000 },
});
