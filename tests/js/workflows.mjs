// Holds the workflows of CI to what can be known without running them: they are YAML, every script in them is one to bash, every action has
// a version, and they do what `.ci/run` does by calling it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

const folder = join(import.meta.dirname, '../../.github/workflows');
const scripts = [];
for (const name of readdirSync(folder)) {
  const workflow = load(readFileSync(join(folder, name), 'utf8'));
  for (const [job, { steps, needs = [], 'timeout-minutes': minutes }] of Object.entries(workflow.jobs)) {
    const where = `${name}: ${job}`;
    for (const other of [needs].flat())
      if (!workflow.jobs[other]) throw new Error(`${where} needs ${other}, which is not there`);
    if (!minutes) throw new Error(`${where} has no time limit`);
    for (const step of steps) {
      if (!step.uses === !step.run) throw new Error(`${where}: a step does one thing`);
      if (step.uses && !/@v\d/.test(step.uses)) throw new Error(`${where}: ${step.uses}`);
      if (!step.run) continue;
      scripts.push(step.run);
      const script = step.run.replace(/\$\{\{.*?\}\}/g, 'value');
      execFileSync('bash', ['-n'], { input: script, stdio: ['pipe', 'inherit', 'inherit'] });
    }
  }
}
for (const called of ['.ci/run', 'deploy/upgrade', 'docker compose up --build', '--sbom=true'])
  if (!scripts.some((script) => script.includes(called))) throw new Error(`nobody calls ${called}`);
console.log('{}');
