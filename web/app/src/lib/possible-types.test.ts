import { expect, test } from 'vitest';
import schema from '../../../../schema/schema.graphql?raw';
import { possibleTypes } from './possible-types';

test('the cache knows what interfaces and unions may be', () => {
  const found: Record<string, string[]> = {};
  for (const [, type = '', interfaces = ''] of schema.matchAll(
    /^type (\w+) implements ([\w &]+)/gm,
  ))
    for (const name of interfaces.trim().split(/\s*&\s*/)) {
      found[name] ??= [];
      found[name].push(type);
    }
  for (const [, name = '', types = ''] of schema.matchAll(/^union (\w+) = ([\w |]+)/gm))
    found[name] = types.trim().split(/\s*\|\s*/);
  const sorted = Object.entries(found).map(([name, types]) => [name, types.sort()]);
  expect(Object.fromEntries(sorted)).toEqual(possibleTypes);
});
