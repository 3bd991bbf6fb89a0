// Runs one test program against a gateway: base URL from the command line, and that of a second
// gateway if there is one, an administrator's token from the environment, one line per thing checked,
// a time limit, and an exit code. Every program here is started through it.

import readline from 'node:readline';

/** The value of `Authorization` of an administrator whose token outlives the program. */
export const adminAuthorization = `Bearer ${process.env.ACCESS_TOKEN}`;

/** The limit for what should take a moment. It says that something hangs, and nothing about speed: machines differ. */
export const soonMs = 180_000;
/** The same for a whole program. */
const limitMs = 1_200_000;

/**
 * @param {(base: string, check: (what: string, ok?: unknown, detail?: unknown) => void, other: string) => Promise<void>} body
 *   `other` is the second gateway, or the first where there is one alone
 */
export async function program(body) {
  const [base, other = base] = process.argv.slice(2).map((url) => url.replace(/\/$/, ''));
  if (!base || !process.env.ACCESS_TOKEN) {
    console.error(`usage: ACCESS_TOKEN=… node ${process.argv[1]} http://127.0.0.1:PORT [http://127.0.0.1:PORT]`);
    process.exit(2);
  }
  let checks = 0;
  const check = (what, ok = true, detail) => {
    if (!ok) throw new Error(detail === undefined ? what : `${what}: ${show(detail)}`);
    checks += 1;
    console.log(`ok ${checks} ${what}`);
  };
  setTimeout(() => fail(new Error(`not done after ${limitMs} ms`)), limitMs).unref();
  try {
    await body(base, check, other);
  } catch (error) {
    fail(error);
  }
  console.log(`passed, ${checks} checks`);
  // Clients may still hold sockets; what they hold was not the subject.
  process.exit(0);
}

/** Waits until `condition` gives something truthy, and gives it back. */
export async function until(what, condition) {
  const deadline = Date.now() + soonMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${soonMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

let answers;

/** Has the test do something to the gateway, such as `kill` it; returns when that is done. */
export async function tell(what) {
  answers ??= readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log(`please ${what}`);
  const { value } = await answers.next();
  if (value !== 'done') throw new Error(`${what}: ${value}`);
}

export function show(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text?.length > 2000 ? `${text.slice(0, 2000)}…` : text;
}

function fail(error) {
  console.error(`failed: ${error instanceof Error ? error.stack : show(error)}`);
  process.exit(1);
}
