// Holds Kubernetes manifests, on standard input as `kubectl kustomize` prints them, to the types of Kubernetes, to each other, and to what
// every pod must have. Prints the environment of each container as JSON, for the program to judge.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';

const GROUPS = { v1: 'core/v1', 'networking.k8s.io/v1': 'networking/v1' };

/** What the compiler says of the objects as values of their types: unknown fields, and values of other types. */
function typeErrors(objects) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-manifests-'));
  try {
    symlinkSync(join(import.meta.dirname, 'node_modules'), join(folder, 'node_modules'));
    const lines = objects.map((object, index) => {
      const types = GROUPS[object.apiVersion] ?? object.apiVersion;
      return `import type { ${object.kind} as T${index} } from 'kubernetes-types/${types}';
export const o${index}: T${index} = ${JSON.stringify(object)};`;
    });
    writeFileSync(join(folder, 'objects.ts'), lines.join('\n'));
    const tsc = join(import.meta.dirname, '../../web/node_modules/.bin/tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
    execFileSync(tsc, [...options, '--types', '', 'objects.ts'], { cwd: folder });
    return [];
  } catch (error) {
    if (error.status === undefined) throw error;
    return error.stdout.toString().trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function problems(objects) {
  const found = typeErrors(objects);
  const of = (kind) => objects.filter((object) => object.kind === kind);
  const named = (kind, name) => of(kind).find((object) => object.metadata.name === name);
  const workloads = [...of('Deployment'), ...of('Job')];
  const fits = (labels, selector) =>
    Object.entries(selector).every(([key, value]) => labels[key] === value);
  const selected = (selector) =>
    workloads.filter(({ spec }) => fits(spec.template.metadata.labels, selector));

  for (const workload of workloads) {
    const name = workload.metadata.name;
    const must = (is, what) => is || found.push(`${name} ${what}`);
    const pod = workload.spec.template.spec;
    const isDeployment = workload.kind === 'Deployment';
    must(pod.automountServiceAccountToken === false, 'has a token of Kubernetes');
    must(named('ServiceAccount', pod.serviceAccountName), 'has an account that is not there');
    must(pod.securityContext?.runAsNonRoot && pod.securityContext.runAsUser > 0, 'may be root');
    must(pod.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'may call all of Linux');
    must(!isDeployment || pod.topologySpreadConstraints?.length, 'is not spread');
    must(!isDeployment || pod.terminationGracePeriodSeconds >= 30, 'is killed too early');
    must(!isDeployment || fits(workload.spec.template.metadata.labels, workload.spec.selector.matchLabels), 'selects others');
    for (const { configMap, secret } of pod.volumes ?? []) {
      must(!configMap || named('ConfigMap', configMap.name), `lacks the map ${configMap?.name}`);
      must(!secret || secret.secretName === 'millrace', `has the secret ${secret?.secretName}`);
    }
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      const context = container.securityContext ?? {};
      must(context.readOnlyRootFilesystem === true, 'can write to its image');
      must(context.allowPrivilegeEscalation === false, 'can gain privileges');
      must(String(context.capabilities?.drop) === 'ALL', 'keeps capabilities');
      const { requests, limits } = container.resources ?? {};
      must(requests?.cpu && requests?.memory && limits?.memory, 'has no resources');
      for (const { name: mount } of container.volumeMounts ?? [])
        must(pod.volumes.some((volume) => volume.name === mount), `lacks the volume ${mount}`);
    }
    for (const container of isDeployment ? pod.containers : []) {
      const ports = container.ports.map((port) => port.name);
      for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'])
        must(ports.includes(container[probe]?.httpGet.port), `has no ${probe}`);
    }
    const policies = of('NetworkPolicy').map(({ spec }) => spec.podSelector.matchLabels);
    must(policies.some((it) => selected(it).includes(workload)), 'has no network policy');
    const budgets = of('PodDisruptionBudget').map(({ spec }) => spec.selector.matchLabels);
    must(!isDeployment || budgets.some((it) => selected(it).includes(workload)), 'has no budget');
  }
  for (const { metadata, spec } of of('Service')) {
    const pods = selected(spec.selector).map((it) => it.spec.template.spec);
    const ports = pods.flatMap((pod) => pod.containers.flatMap((it) => it.ports ?? []));
    const isThere = spec.ports.every((port) => ports.some((it) => it.name === port.targetPort));
    if (pods.length !== 1 || !isThere) found.push(`the service ${metadata.name} leads nowhere`);
  }
  for (const { metadata, spec } of of('Ingress')) {
    if (!metadata.annotations?.['nginx.ingress.kubernetes.io/proxy-body-size'])
      found.push(`the ingress ${metadata.name} refuses pictures`);
    for (const { host, http } of spec.rules)
      for (const { backend } of http.paths) {
        const service = named('Service', backend.service.name);
        const ports = service?.spec.ports.map((port) => port.name) ?? [];
        if (!ports.includes(backend.service.port.name))
          found.push(`the ingress ${metadata.name} leads nowhere`);
        if (!spec.tls?.some(({ hosts }) => hosts.includes(host)))
          found.push(`${host} has no TLS`);
      }
  }
  for (const { metadata, spec } of of('HorizontalPodAutoscaler')) {
    const target = named(spec.scaleTargetRef.kind, spec.scaleTargetRef.name);
    if (!target || target.spec.replicas !== undefined)
      found.push(`${metadata.name} scales nothing, or what has a number of its own`);
  }
  return found;
}

const objects = loadAll(readFileSync(0, 'utf8'));
const found = problems(objects);
if (found.length) {
  console.error(found.join('\n'));
  process.exit(1);
}
// What is broken is found.
if (process.argv.includes('--cases')) {
  const breaks = [
    ['replica', (it) => { it.Deployment.spec.replica = 2; }],
    ['string', (it) => { it.Deployment.spec.minReadySeconds = '5'; }],
    ['may be root', (it) => { it.Deployment.spec.template.spec.securityContext.runAsUser = 0; }],
    ['readinessProbe', (it) => { it.Deployment.spec.template.spec.containers[0].ports[0].name = 'web'; }],
    ['leads nowhere', (it) => { it.Service.spec.selector['app.kubernetes.io/component'] = 'none'; }],
    ['no budget', (it) => { it.PodDisruptionBudget.spec.selector.matchLabels = { app: 'other' }; }],
    ['lacks the map', (it) => { it.ConfigMap.metadata.name = 'other'; }],
    ['no TLS', (it) => { it.Ingress.spec.tls = []; }],
    ['refuses pictures', (it) => { it.Ingress.metadata.annotations = {}; }],
  ];
  for (const [expected, change] of breaks) {
    const broken = structuredClone(objects);
    change(Object.fromEntries(broken.toReversed().map((object) => [object.kind, object])));
    const said = problems(broken).join('\n');
    if (!said.includes(expected)) throw new Error(`${expected} was not found: ${said}`);
  }
}
const pods = objects.flatMap(({ spec }) => spec?.template?.spec ?? []);
const containers = pods.flatMap((pod) => [...(pod.initContainers ?? []), ...pod.containers]);
console.log(
  JSON.stringify(
    Object.fromEntries(
      containers.map(({ name, args, env }) => [
        name,
        { command: args, environment: Object.fromEntries(env.map((it) => [it.name, it.value])) },
      ]),
    ),
  ),
);
