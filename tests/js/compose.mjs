// Holds what `docker-compose config` printed, on standard input, to what every service of an installation must have. Prints the environment
// and the secrets of each service as JSON, for the program to judge.
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

/** The ports that an image may open to others than the services. */
const PUBLISHED = { proxy: ['80', '443'], grafana: ['3000'] };
/** What ends by itself, or has no program in its image that could ask. */
const WITHOUT_HEALTHCHECK = ['migrate', 'proxy', 'prometheus', 'jaeger'];

/** A port in the short form, which version 1 prints, where version 2 prints the long one. */
const textOf = (port) =>
  typeof port === 'string' ? port : `${port.host_ip}:${port.published}:${port.target}`;

export function problems({ services, networks }) {
  const found = [];
  for (const [name, service] of Object.entries(services)) {
    const must = (is, what) => is || found.push(`${name} ${what}`);
    must(service.read_only === true, 'can write to its image');
    must(String(service.cap_drop) === 'ALL', 'keeps capabilities');
    must(name === 'proxy' || !service.cap_add, 'adds capabilities');
    must(service.security_opt?.includes('no-new-privileges:true'), 'can gain privileges');
    const { cpus, memory } = service.deploy?.resources?.limits ?? {};
    must(cpus && memory, 'has no limits');
    must(service.build || /:v?\d+\.\d+(\.\d+)?(-\w+)?(@|$)/.test(service.image), 'is not pinned');
    must(service.logging?.options?.['max-size'], 'has logs without a bound');
    const asks = service.healthcheck?.test && String(service.healthcheck.test) !== 'NONE';
    must(asks || WITHOUT_HEALTHCHECK.includes(name), 'has no health check');
    must(name === 'migrate' || service.restart === 'unless-stopped', 'does not come back');
    for (const [key, value] of Object.entries(service.environment ?? {})) {
      const isSecret = /PASSWORD|SECRET|TOKEN_KEYS|DATABASE_URL/.test(key);
      const isFile = /_FILE$|__FILE$/.test(key) && String(value).startsWith('/run/secrets/');
      must(!isSecret || isFile, `has the secret ${key} in its environment`);
      const secret = isFile && String(value).replace('/run/secrets/', '');
      const mounted = service.secrets?.map((it) => it.source ?? it) ?? [];
      must(!isFile || mounted.includes(secret), `lacks the secret ${secret}`);
    }
    for (const port of service.ports?.map(textOf) ?? []) {
      const [, target] = port.match(/:(\d+)(\/\w+)?$/) ?? [];
      must(PUBLISHED[name]?.includes(target), `publishes ${port}`);
      must(port.startsWith('127.0.0.1:'), `publishes ${port} to everybody`);
    }
    const isOut = Object.keys(service.networks ?? {}).some((it) => !networks[it]?.internal);
    const mayOut = service.ports || /^(gateway-|workers)/.test(name);
    must(!isOut || mayOut, 'reaches the internet');
  }
  return found;
}

const read = load(readFileSync(0, 'utf8'));
const found = problems(read);
if (found.length) {
  console.error(found.join('\n'));
  process.exit(1);
}
// What is broken is found.
const broken = structuredClone(read);
Object.assign(broken.services.redis, { read_only: false, cap_drop: [], image: 'redis:latest' });
Object.assign(broken.services.postgres, { ports: ['0.0.0.0:5432:5432'], security_opt: [] });
delete broken.services.workers.deploy.resources;
broken.services['gateway-a'].environment.MILLRACE_TOKEN_KEYS = '1:secret';
if (problems(broken).length !== 8) throw new Error(`found only ${problems(broken).join(', ')}`);
console.log(
  JSON.stringify(
    Object.fromEntries(
      Object.entries(read.services).map(([name, service]) => [
        name,
        { command: service.command, environment: service.environment ?? {} },
      ]),
    ),
  ),
);
