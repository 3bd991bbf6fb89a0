// The example page in a browser, as its readers run it, except that the test holds the wire to it: signing in, creating a customer,
// seeing the change arrive, and going on where it stopped when the line is cut, or when its token is over.
import { createRequire } from 'node:module';
import net from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launch, watch } from './chromium.mjs';
import { newCustomer, write } from './customers.mjs';
import { program, soonMs, until } from './program.mjs';

const example = new URL('../../examples/typescript/', import.meta.url);

await program(async (base, check) => {
  const site = await serve(base);
  const wire = await stretch(site);
  const address = `http://127.0.0.1:${wire.port}`;
  const browser = await launch();
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(soonMs);
    const seen = watch(page, address);
    await page.goto(address);
    await signIn(page);
    check('it signs in and subscribes', seen.sockets > 0);
    const names = [await create(page)];
    await changes(page, names);
    check('a customer that it creates arrives', names);
    for (const round of [1, 2, 3]) {
      wire.cut();
      await shows(page, 'reconnecting');
      // In the middle of this the line is there again.
      for (const i of [1, 2, 3, 4]) {
        if (i === 3) wire.mend();
        names.push((await write(base, 'create', newCustomer(`round${round}`))).name);
      }
      await changes(page, names);
      check('what happened meanwhile arrives, once and in order', names);
    }
    // Its token lives for seconds, so it is over now and then, whoever is on the line.
    const before = seen.sockets;
    await shows(page, 'reconnecting');
    names.push(await create(page));
    await changes(page, names);
    check('it goes on when its token is over, and what it asks for then is done', seen.sockets > before);
    check('it asks nobody else', seen.foreign.length === 0, seen.foreign);
  } finally {
    await browser.close();
  }
});

/** The built page, with the gateway behind its own origin. */
async function serve(gateway) {
  process.env.GATEWAY = gateway;
  const vite = createRequire(new URL('package.json', example)).resolve('vite');
  const { preview } = await import(pathToFileURL(vite));
  const server = await preview({ root: fileURLToPath(example), preview: { host: '127.0.0.1', port: 0 }, logLevel: 'warn' });
  return server.httpServer.address().port;
}

/** A wire that can be cut: whoever connects meanwhile is hung up on. */
async function stretch(target) {
  const ends = new Set();
  let isCut = false;
  const server = net.createServer((near) => {
    if (isCut) return near.destroy();
    const far = net.connect(target, '127.0.0.1');
    for (const [end, other] of [[near, far], [far, near]]) {
      ends.add(end);
      end.pipe(other);
      end.on('error', () => other.destroy());
      end.on('close', () => {
        ends.delete(end);
        other.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    cut: () => {
      isCut = true;
      for (const end of ends) end.destroy();
    },
    mend: () => {
      isCut = false;
    },
  };
}

async function signIn(page) {
  await page.getByLabel('Email', { exact: true }).fill(process.env.SIGN_IN_EMAIL);
  await page.getByLabel('Password').fill(process.env.SIGN_IN_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await shows(page, 'live');
}

async function shows(page, status) {
  await page.getByRole('status').filter({ hasText: status }).waitFor();
}

async function create(page) {
  const { name, email } = newCustomer('page');
  await page.getByLabel(/^Name/).fill(name);
  await page.getByLabel("Customer's email").fill(email);
  await page.getByRole('button', { name: 'Create' }).click();
  return name;
}

/** Waits until the page shows these customers as created, and nothing else. */
async function changes(page, names) {
  const expected = names.map((name) => `CREATED ${name}`).join();
  let shown;
  await until('the changes', async () => {
    const lines = await page.locator('#changes li').allInnerTexts();
    shown = lines.map((line) => line.split(',')[0]).join();
    if (shown.length > expected.length) throw new Error(`${shown} in place of ${expected}`);
    return shown === expected;
  });
}
