// The system's Chromium and what graphiql.mjs needs to see of a page in it: its requests and
// errors, and the response pane.
import { chromium } from 'playwright-core';
import { until } from './program.mjs';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with a profile of its own that asks nobody for anything by itself. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: flags,
    chromiumSandbox: false,
  });
}

/**
 * Records what the page asks for and what goes wrong in it. With `tokensEnd` a 401 does not go wrong: its token ended on the way, is renewed,
 * and what it was sent with is sent again.
 */
export function watch(page, base, { tokensEnd = false } = {}) {
  const seen = { requests: 0, foreign: [], errors: [], framesSent: [], framesReceived: [], sockets: 0 };
  const own = new URL(base).host;
  const note = (url) => {
    const { protocol, host } = new URL(url);
    seen.requests += 1;
    if (!['data:', 'blob:'].includes(protocol) && host !== own) seen.foreign.push(url);
  };
  page.context().on('request', (request) => note(request.url()));
  page.on('websocket', (socket) => {
    note(socket.url());
    seen.sockets += 1;
    socket.on('framesent', ({ payload }) => seen.framesSent.push(String(payload)));
    socket.on('framereceived', ({ payload }) => seen.framesReceived.push(String(payload)));
  });
  page.on('response', (response) => {
    const status = response.status();
    if (status >= 400 && !(status === 401 && tokensEnd)) seen.errors.push(`${status} ${response.url()}`);
  });
  page.on('console', (message) => {
    const isTokens = tokensEnd && message.text().includes('status of 401');
    if (message.type() === 'error' && !isTokens) seen.errors.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  return seen;
}

/** All of the last response; the pane itself holds only the lines in view. */
export async function answer(page) {
  const text = await page.evaluate(() => {
    const models = globalThis.__MONACO?.editor.getModels() ?? [];
    return models.find((model) => model.uri.path.includes('response'))?.getValue();
  });
  return text && JSON.parse(text);
}

/** The text of the last response, once it contains `part`. */
export async function visible(page, part) {
  return until(`${part} in the response pane`, async () => {
    const text = JSON.stringify((await answer(page)) ?? '');
    return text.includes(part) && text;
  });
}
