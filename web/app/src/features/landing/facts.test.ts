// What the first page claims was measured, and is still what the documentation says.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { facts } from './facts';

// The tests run in the folder of the app.
const file = '../../docs/measurements.md';

test('each number is a figure of docs/measurements.md, or none', () => {
  // Lines of the documentation are broken anywhere.
  const text = readFileSync(file, 'utf8').replace(/\s+/g, ' ');
  for (const { number, measured } of facts) {
    const found = measured ? measured.exec(text)?.[1] : '0';
    expect(number.split(' ')[0], number).toBe(found);
  }
});
