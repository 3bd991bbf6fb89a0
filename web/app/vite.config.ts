// Builds the app into the folder the gateway embeds, beside GraphiQL. Nothing is fetched from another host.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/',
  plugins: [react()],
  resolve: {
    // One copy of React and of what passes contexts along, wherever npm has put it.
    dedupe: ['react', 'react-dom', '@mantine/core', '@mantine/hooks'],
    // urql has a parser of its own, which is a fifth as large and does the same; so there is one.
    alias: [{ find: /^graphql$/, replacement: '@0no-co/graphql.web' }],
  },
  build: {
    target: 'es2022',
    outDir: '../dist',
    // GraphiQL was built into it before.
    emptyOutDir: false,
    manifest: 'app.json',
    // The policy of the page has no place for data addresses of scripts, and fonts are better cached than inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    fs: { allow: ['..', '../../schema'] },
    proxy: Object.fromEntries(
      ['/graphql', '/graphiql', '/schema.graphql', '/health', '/assets', '/avatars', '/demo'].map(
        (path) => [path, { target: gateway, ws: path === '/graphql' }],
      ),
    ),
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
});
