// What axe says of a page as it is. Called by the programs that look at pages; `issues` of app.mjs looks at both schemes.
import axe from 'axe-core/axe.min.js';

/** What is worse than minor. `options` are those of `axe.run`, and `within` is the part of the page that is looked at. */
export async function violations(page, options = {}, within = 'html') {
  // It is half a megabyte, so a document gets it once.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const run = ([within, options]) => globalThis.axe.run(within, { ...options, resultTypes: ['violations'] });
  const found = await page.evaluate(run, [within, options]);
  return found.violations.filter(({ impact }) => impact !== 'minor');
}
