// The example of the documents, as readers copy it: run as it is, but for the address and the words of a sign-in.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { newCustomer, write } from '../../../tests/js/customers.mjs';
import { program, until } from '../../../tests/js/program.mjs';

const pages = ['README.md', 'docs/client/transports.md', 'web/client/README.md'];

await program(async (base, check) => {
  for (const page of pages) {
    const text = await readFile(path.resolve(import.meta.dirname, '../../..', page), 'utf8');
    const blocks = [...text.matchAll(/```js\n(.*?)```/gs)].map(([, block]) => block);
    let example = blocks.find((block) => block.includes('createClient('));
    check(`${page} has an example`, example);
    if (!example.includes('import '))
      example = `import { createClient } from '@millrace/client'\n${example}`;
    const lines = example
      .trim()
      .split('\n')
      .filter((line) => line && !line.startsWith('import '));
    check(`${page}: in five lines`, lines.length <= 5, lines);
    const { SIGN_IN_EMAIL: email, SIGN_IN_PASSWORD: password } = process.env;
    const code = `const password = ${JSON.stringify(password)}\n${example}`
      .replace('http://127.0.0.1:8080', base)
      .replace('admin@example.com', email);
    const reader = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    reader.stdout.on('data', (bytes) => {
      printed += bytes;
    });
    let ended;
    reader.on('exit', (code) => {
      ended = code;
    });
    // Nothing says when the reader listens, so write until it shows something.
    const { name } = newCustomer('reader');
    await until('an event', async () => {
      if (ended !== undefined) throw new Error(`it ended with ${ended}: ${printed}`);
      if (!printed.includes(name)) await write(base, 'create', { ...newCustomer('reader'), name });
      return printed.includes(name);
    });
    check(`${page}: it prints what happens`, printed.includes('CREATED'), printed);
    reader.kill();
  }
});
