// A store in a file, as a program outside of a browser may keep its queue: written as a whole and renamed, so that a kill
// leaves what was before or what is after.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export function fileStore(file) {
  const read = () => {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      return {};
    }
  };
  const change = (entries) => {
    writeFileSync(`${file}.new`, JSON.stringify(entries));
    renameSync(`${file}.new`, file);
  };
  return {
    get: (key) => read()[key] ?? null,
    set: (key, value) => change({ ...read(), [key]: value }),
    remove: (key) => {
      const { [key]: _, ...rest } = read();
      change(rest);
    },
    keys: () => Object.keys(read()),
  };
}
