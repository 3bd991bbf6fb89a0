// What a first visit loads, compressed as the gateway does it, must stay below the budget: the entry, what it imports, and the
// first page with its styles. Charts, GraphiQL and other pages come when they are opened.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budget = 200_000;
const first = ['index.html', 'src/features/landing/page.tsx'];
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('app.json', dist), 'utf8'));

const files = new Set();
function take(key) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`${key} is not in the manifest`);
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const imported of chunk.imports ?? []) take(imported);
}
for (const key of first) take(key);

const sizes = [...files].map((file) => [gzipSync(readFileSync(new URL(file, dist))).length, file]);
const total = sizes.reduce((sum, [size]) => sum + size, 0);
console.log(`A first visit loads ${Math.round(total / 1000)} of ${budget / 1000} kB.`);
if (total > budget || process.argv.includes('--list'))
  for (const [size, file] of sizes.sort(([a], [b]) => b - a))
    console.log(`${String(size).padStart(8)} ${file}`);
if (total > budget) process.exit(1);
