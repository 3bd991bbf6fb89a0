// Holds `entities/asyncapi.json` to what AsyncAPI is, by its own parser.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const file = new URL('../../entities/asyncapi.json', import.meta.url);
const { document, diagnostics } = await new Parser().parse(readFileSync(file, 'utf8'));
// Hints are about taste, such as a version newer than 3.0.0.
const problems = diagnostics.filter(({ severity }) => severity < 2);
for (const { message, path } of problems) console.error(`${path.join('.')}: ${message}`);
if (problems.length || !document) process.exit(1);
const channels = document.channels().all();
console.log(`passed, ${channels.length} channels, ${document.messages().length} messages`);
