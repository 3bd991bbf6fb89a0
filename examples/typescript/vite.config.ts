// The gateway behind the page's own origin, as a proxy in front of both would have it.
import { defineConfig } from 'vite';

const gateway = process.env.GATEWAY ?? 'http://127.0.0.1:8080';

const server = { proxy: { '/graphql': { target: gateway, ws: true } } };

export default defineConfig({ server, preview: server });
