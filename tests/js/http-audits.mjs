// Every audit of the npm package graphql-http against /graphql. Anything but `ok` fails, the
// optional ones (`notice`) as well.
import { serverAudits } from 'graphql-http';
import { program } from './program.mjs';

await program(async (base, check) => {
  const audits = serverAudits({ url: `${base}/graphql` });
  const counts = { ok: 0, notice: 0, warn: 0, error: 0 };
  for (const audit of audits) {
    const result = await audit.fn();
    counts[result.status] += 1;
    if (result.status === 'ok') {
      check(`${result.id} ${result.name}`);
    } else {
      const answer = `HTTP ${result.response.status} ${result.response.headers.get('content-type')}`;
      console.log(`${result.status} ${result.id} ${result.name}: ${result.reason} (${answer})`);
    }
  }
  console.log(`${audits.length} audits: ${JSON.stringify(counts)}`);
  check('every audit is ok', audits.length > 0 && counts.ok === audits.length, counts);
});
