import { execFile } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

import { parseAllDocuments } from 'yaml';

import { GlmApp, Platform } from 'cdk8s-chatglm';

import { OFFERS } from '../examples/platform-repo/catalogue';
import { CLUSTERS, ENVIRONMENTS } from '../examples/platform-repo/clusters';
import { synthesizeFleet } from '../examples/platform-repo/fleet';
import { TenantChart } from '../examples/platform-repo/tenant-chart';
import { readTenants } from '../examples/platform-repo/tenants-file';
import schema from '../examples/platform-repo/tenants.schema.json';
import { WeightsChart } from '../examples/platform-repo/weights-chart';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';

import { messageOf } from './support/bad-input';

const ROOT = path.join(__dirname, '..');
const REPOSITORY = path.join(ROOT, 'examples', 'platform-repo');
const GOLDEN = path.join(REPOSITORY, 'dist');
const TENANTS = path.join(REPOSITORY, 'tenants.yaml');
const TEXT = readFileSync(TENANTS, 'utf8');

/** The committed file with some lines changed; each must be there once. */
function tenantsWith(...changes: readonly (readonly [before: string, after: string])[]): string {
  const text = changes.reduce((whole, [before, after]) => {
    expect(whole.split(before)).toHaveLength(2);
    return whole.replace(before, after);
  }, TEXT);
  return fileOf(text);
}

function fileOf(text: string): string {
  const file = path.join(folder(), 'tenants.yaml');
  writeFileSync(file, text);
  return file;
}

function folder(): string {
  return mkdtempSync(path.join(tmpdir(), 'platform-repo-'));
}

/** All files below a folder by their relative paths. */
function filesOf(directory: string): Record<string, string> {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(path.join(directory, name)).isFile()).sort();
  return Object.fromEntries(files.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]));
}

function synthesized(tenantsFile: string): Record<string, string> {
  const outdir = folder();
  synthesizeFleet(tenantsFile, outdir);
  return filesOf(outdir);
}

/** Files that are in one only, or differ. */
function differing(first: Record<string, string>, second: Record<string, string>): string[] {
  return [...new Set([...Object.keys(first), ...Object.keys(second)])].filter((name) => first[name] !== second[name]).sort();
}

const golden = filesOf(GOLDEN);

test('dist is what the program writes, twice the same bytes', () => {
  const first = synthesized(TENANTS);

  expect(differing(golden, first)).toEqual([]);
  expect(differing(first, synthesized(TENANTS))).toEqual([]);
});

describe('a change of one tenant', () => {
  test('of its replicas rewrites one file', () => {
    const made = synthesized(tenantsWith(['chip: 310P, replicas: 4, clients', 'chip: 310P, replicas: 5, clients']));

    expect(differing(golden, made)).toEqual(['ascend-prod/support-prod/serving/support-prod.k8s.yaml']);
  });

  test('of its quota rewrites one file', () => {
    const made = synthesized(tenantsWith(['quota: { BM1684X: 4 }', 'quota: { BM1684X: 5 }']));

    expect(differing(golden, made)).toEqual(['mixed-prod/plant-prod/base/plant-prod.k8s.yaml']);
  });

  test('touches no other file on the disk', () => {
    const outdir = folder();
    cpSync(GOLDEN, outdir, { recursive: true });
    const old = new Date('2020-01-01T00:00:00Z');
    Object.keys(golden).forEach((name) => { utimesSync(path.join(outdir, name), old, old); });
    synthesizeFleet(tenantsWith(['chip: 310P, replicas: 4, clients', 'chip: 310P, replicas: 5, clients']), outdir);

    expect(Object.keys(golden).filter((name) => statSync(path.join(outdir, name)).mtimeMs !== old.getTime())).toEqual(['ascend-prod/support-prod/serving/support-prod.k8s.yaml']);
  });
});

const NEWCOMER = '      newcomer:\n        group: newcomers\n        quota: { 910B: 1 }\n        models:\n          chat: { model: chatglm3-6b, chip: 910B }\n';
const NEWCOMER_FILES = [
  'ascend-prod/argo-cd/newcomer-prod.k8s.yaml', 'ascend-prod/newcomer-prod/base/newcomer-prod.k8s.yaml', 'ascend-prod/newcomer-prod/serving/newcomer-prod.k8s.yaml',
];

test('a tenant that comes brings its files, and takes them along when it goes', () => {
  const outdir = folder();
  // In the middle, so that a number by position would show.
  synthesizeFleet(tenantsWith(['      legal:\n', `${NEWCOMER}      legal:\n`]), outdir);
  expect(differing(golden, filesOf(outdir))).toEqual(NEWCOMER_FILES);

  synthesizeFleet(TENANTS, outdir);
  expect(differing(golden, filesOf(outdir)).filter((name) => name.endsWith('.k8s.yaml'))).toEqual([]);
  expect(readdirSync(outdir, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('newcomer'))).toEqual([]);
});

test('a tenant of Flux that goes leaves nothing that Flux would apply', () => {
  const gone = TEXT.replace(/ {6}kiosk:\n(?: {8}.*\n)+/, '');
  expect(gone.length).toBeLessThan(TEXT.length);
  const outdir = folder();
  synthesizeFleet(TENANTS, outdir);
  synthesizeFleet(fileOf(gone), outdir);

  const left = filesOf(outdir);
  expect(differing(golden, left).filter((name) => !name.includes('kiosk-prod'))).toEqual([]);
  expect(Object.keys(left).filter((name) => name.includes('kiosk-prod') && name.endsWith('.k8s.yaml'))).toEqual([]);
});

/** The objects of a cluster. */
function objectsOf(cluster: string): KubernetesObject[] {
  return Object.entries(golden).filter(([name]) => name.startsWith(`${cluster}/`) && name.endsWith('.k8s.yaml'))
    .flatMap(([, text]) => parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject));
}

interface Container { readonly name: string; readonly resources?: { readonly limits?: Record<string, unknown> }; readonly securityContext?: Security; readonly args?: string[]; readonly command?: string[] }
interface Security {
  readonly privileged?: boolean; readonly allowPrivilegeEscalation?: boolean; readonly runAsNonRoot?: boolean; readonly runAsUser?: number;
  readonly seccompProfile?: { readonly type: string }; readonly capabilities?: { readonly drop?: string[]; readonly add?: string[] };
}
interface Pod {
  readonly containers: Container[]; readonly initContainers?: Container[]; readonly securityContext?: Security; readonly volumes?: Record<string, unknown>[];
  readonly hostNetwork?: boolean; readonly hostPID?: boolean; readonly hostIPC?: boolean;
}

function podsOf(objects: readonly KubernetesObject[], namespace: string): { readonly pod: Pod; readonly replicas: number; readonly kind: string }[] {
  return objects.filter(({ metadata }) => metadata.namespace === namespace).flatMap(({ kind, spec }) => {
    const { template, replicas = 1 } = (spec ?? {}) as { template?: { spec: Pod }; replicas?: number };
    return template === undefined ? [] : [{ pod: template.spec, replicas, kind }];
  });
}

/** The strongest of the Pod Security Standards that a pod keeps (Kubernetes documentation, Pod Security Standards), as far as these pods use its fields. */
function podSecurityOf(pod: Pod): string {
  const containers = [...pod.initContainers ?? [], ...pod.containers];
  const isOfTheNode = [pod.hostNetwork, pod.hostPID, pod.hostIPC].includes(true) || (pod.volumes ?? []).some((volume) => 'hostPath' in volume);
  if (isOfTheNode || containers.some(({ securityContext }) => securityContext?.privileged === true || (securityContext?.capabilities?.add ?? []).length > 0)) {
    return 'privileged';
  }
  const isRestricted = containers.every(({ securityContext = {} }) => isHeldBack({ ...pod.securityContext, ...securityContext }));
  return isRestricted ? 'restricted' : 'baseline';
}

function isHeldBack({ allowPrivilegeEscalation, capabilities, runAsNonRoot, runAsUser, seccompProfile }: Security): boolean {
  return allowPrivilegeEscalation === false && capabilities?.drop?.includes('ALL') === true && runAsNonRoot === true && runAsUser !== 0 && seccompProfile?.type === 'RuntimeDefault';
}

const STANDARDS = ['restricted', 'baseline', 'privileged'];

interface TenantCase { readonly folder: string; readonly namespace: string; readonly objects: readonly KubernetesObject[]; readonly all: readonly KubernetesObject[]; readonly cluster: string }

const cases: TenantCase[] = readdirSync(GOLDEN).flatMap((name) => {
  const all = objectsOf(name);
  return all.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => ({
    folder: name, namespace: metadata.name, all, objects: all.filter((object) => object.metadata.namespace === metadata.name), cluster: name.split('-')[0]!,
  }));
});

test('twelve tenants in four folders, and the platform team in each', () => {
  expect(cases.map(({ folder: name, namespace }) => `${name}/${namespace}`)).toEqual([
    'ascend-dev/search-dev', 'ascend-dev/support-dev', 'ascend-dev/weights-dev',
    'ascend-prod/archive-prod', 'ascend-prod/finance-prod', 'ascend-prod/legal-prod', 'ascend-prod/search-prod', 'ascend-prod/support-prod', 'ascend-prod/weights-prod',
    'mixed-dev/plant-dev', 'mixed-dev/training-dev', 'mixed-dev/weights-dev',
    'mixed-prod/kiosk-prod', 'mixed-prod/plant-prod', 'mixed-prod/training-prod', 'mixed-prod/weights-prod',
  ]);
});

describe.each(cases)('$folder/$namespace', ({ namespace, objects, all, cluster }) => {
  const pods = podsOf(all, namespace);

  test('enforces the strongest Pod Security Standard that its pods keep', () => {
    const labels = all.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace)!.metadata.labels!;
    const needed = pods.map(({ pod }) => STANDARDS.indexOf(podSecurityOf(pod)));
    const level = labels['pod-security.kubernetes.io/enforce']!;

    // A tenant without servers has the level of the chips that it may use.
    expect(pods.length > 0 ? level : 'baseline').toBe(STANDARDS[Math.max(...needed, pods.length > 0 ? 0 : 1)]);
    expect(['audit', 'warn'].map((mode) => labels[`pod-security.kubernetes.io/${mode}`])).toEqual([level, level]);
  });

  test('lets nobody in and nothing out that is not allowed', () => {
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ metadata, spec }) => ({ name: metadata.name, ...spec as { podSelector: object; policyTypes: string[]; ingress?: unknown } }));
    const [denyAll] = policies.filter(({ name }) => name === 'deny-all');

    expect(denyAll).toMatchObject({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    expect(denyAll).not.toHaveProperty('ingress');
  });

  test('keeps its namespace where it has claims, which would go with it', () => {
    const { annotations = {} } = all.find(({ kind, metadata }) => kind === 'Namespace' && metadata.name === namespace)!.metadata;
    const kept = cluster === 'ascend' ? annotations['argocd.argoproj.io/sync-options'] === 'Prune=false,Delete=false' : annotations['kustomize.toolkit.fluxcd.io/prune'] === 'disabled';

    expect(kept).toBe(objects.some(({ kind }) => kind === 'PersistentVolumeClaim'));
  });

  test('refers to Secrets and holds none', () => {
    expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([]);
  });

  if (!namespace.startsWith('weights-')) {
    test('has quota for every chip of the cluster, enough for its pods', () => {
      const { hard } = objects.find(({ kind }) => kind === 'ResourceQuota')!.spec as { hard: Record<string, number> };
      const used: Record<string, number> = {};
      for (const { pod, replicas } of pods) {
        const devices = Object.entries(pod.containers[0]!.resources?.limits ?? {}).filter(([name]) => name.includes('/'));
        expect(devices).toHaveLength(1);
        devices.forEach(([name, count]) => { used[`requests.${name}`] = (used[`requests.${name}`] ?? 0) + Number(count) * replicas; });
      }

      expect(Object.keys(hard).sort()).toEqual(Object.values(CLUSTERS[cluster]!.chips).map(({ resource }) => `requests.${resource}`).sort());
      expect(Object.entries(used).filter(([name, count]) => !(count <= (hard[name] ?? 0)))).toEqual([]);
    });

    test('its group may look at everything but Secrets', () => {
      const role = objects.find(({ kind }) => kind === 'Role') as KubernetesObject & { rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] };
      const binding = objects.find(({ kind }) => kind === 'RoleBinding') as KubernetesObject & { roleRef: { name: string }; subjects: { kind: string; name: string }[] };

      expect(new Set(role.rules.flatMap(({ verbs }) => verbs))).toEqual(new Set(['get', 'list', 'watch']));
      expect(role.rules.filter(({ apiGroups }) => apiGroups.includes('')).flatMap(({ resources }) => resources).filter((name) => ['*', 'secrets', 'pods/exec'].includes(name))).toEqual([]);
      expect(binding.roleRef.name).toBe(role.metadata.name);
      expect(binding.subjects).toEqual([{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: expect.stringMatching(/^[a-z]+-(engineers|operators)$/) as string }]);
    });

    test('reads weights that the platform team makes, on a volume of its own that cannot be written', () => {
      const made = podsOf(all, namespace.replace(/^.*-/, 'weights-')).flatMap(({ pod }) => words(pod)).flatMap((word) => /^\/artifacts\/store\/([^/]+)$/.exec(word)?.[1] ?? []);
      const read = pods.flatMap(({ pod }) => words(pod)).flatMap((word) => /^\/artifacts\/weights\/([^/]+)$/.exec(word)?.[1] ?? []);
      const volumes = all.filter(({ kind, metadata }) => kind === 'PersistentVolume' && metadata.name === `weights-of-${namespace}`).map(({ spec }) => spec);

      expect(read.filter((directory) => !made.includes(directory))).toEqual([]);
      expect(read.length > 0).toBe(pods.length > 0);
      expect(volumes).toEqual(pods.length > 0 ? [expect.objectContaining({ accessModes: ['ReadOnlyMany'], nfs: expect.objectContaining({ readOnly: true }) as object })] : []);
    });
  }
});

function words(pod: Pod): string[] {
  return [...pod.initContainers ?? [], ...pod.containers].flatMap(({ command = [], args = [] }) => [...command, ...args]);
}

test.each(readdirSync(GOLDEN))('%s: what has no namespace says none, and no two objects are the same', (name) => {
  const objects = objectsOf(name);
  const clusterScoped = new Set(['Namespace', 'PersistentVolume']);

  expect(objects.filter(({ kind, metadata }) => clusterScoped.has(kind) === (metadata.namespace !== undefined)).map(({ kind, metadata }) => `${kind}/${metadata.name}`)).toEqual([]);
  expect(new Set(objects.map(({ kind, metadata }) => `${kind}/${String(metadata.namespace)}/${metadata.name}`)).size).toBe(objects.length);
});

test.each(Object.keys(CLUSTERS))('%s: dev and prod have no object in common', (cluster) => {
  const [dev, prod] = ENVIRONMENTS.map((environment) => objectsOf(`${cluster}-${environment}`).map(({ kind, metadata }) => `${kind}/${String(metadata.namespace)}/${metadata.name}`));

  expect(dev!.length).toBeGreaterThan(30);
  expect(dev!.filter((object) => prod!.includes(object))).toEqual([]);
});

test('one line of the platform changes the image mirror, the proxy, the certificate authority and the mirror of Hugging Face for all', () => {
  const text = Object.values(golden).join('');

  expect([...text.matchAll(/^\s+image: (?!harbor\.corp\.example\/mirror\/)(.*)$/gm)].map(([, image]) => image)).toEqual([]);
  expect(text).toContain('value: http://proxy.corp.example:3128');
  expect(text).toContain('name: corp-ca');
  expect(text).toContain('https://hf-mirror.corp.example');
  expect(text).not.toContain('https://huggingface.co');
});

test('a resource that no quota counts is a fault of the program', () => {
  const app = new GlmApp({ outdir: folder() });
  const mixed = CLUSTERS.mixed!;
  const cluster = { ...mixed, chips: { ...mixed.chips, MLU370: { ...mixed.chips.MLU370!, resource: 'cambricon.com/mlu' } } };
  Platform.attach(app, cluster.platform('dev'));
  const weights = new WeightsChart(app, cluster, 'dev');
  new TenantChart(app, 'training', readTenants(TENANTS).clusters.mixed!.dev!.training!, { cluster, environment: 'dev', weights, at: () => 'here' });

  expect(messageOf(() => { app.synth(); })).toBe(
    'Validation failed with the following errors:\n  [training-dev] pods ask for cambricon.com/mlu370, but clusters.ts counts cambricon.com/mlu and squat.ai/bm1684x; correct \'resource\'',
  );
});

test('the schema knows the clusters, chips and models of the program', () => {
  const { clusters } = schema.properties;
  const { environments, chip, servedModel } = schema.definitions;

  expect(Object.keys(clusters.properties)).toEqual(Object.keys(CLUSTERS));
  expect(Object.keys(environments.properties)).toEqual(ENVIRONMENTS);
  expect(chip.enum).toEqual(Object.values(CLUSTERS).flatMap(({ chips }) => Object.keys(chips)));
  expect(servedModel.properties.model.enum).toEqual([...new Set(OFFERS.map(({ model }) => model.name))].sort());
  expect(TEXT.startsWith('# yaml-language-server: $schema=tenants.schema.json\n')).toBe(true);
});

describe('a tenants file with', () => {
  const FINANCE = 'reports: { model: chatglm3-6b, chip: 910B }';
  const AT = 'clusters.ascend.prod.finance';

  test.each<[what: string, before: string, after: string, message: string]>([
    ['a number that is too small', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, replicas: 0 }', `<file>:43: ${AT}.models.reports.replicas: must be >= 1, got 0`],
    ['a number in quotes', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, replicas: "2" }', `<file>:43: ${AT}.models.reports.replicas: must be integer, got "2"`],
    ['an unknown field', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, replica: 2 }', `<file>:43: ${AT}.models.reports.replica: is not known here`],
    ['an unknown model', FINANCE, 'reports: { model: chatglm4-9b, chip: 910B }', `<file>:43: ${AT}.models.reports.model: must be one of chatglm-6b, chatglm2-6b, chatglm3-6b, got "chatglm4-9b"`],
    ['no chip', FINANCE, 'reports: { model: chatglm3-6b }', `<file>:43: ${AT}.models.reports: must have required property 'chip'`],
    ['an unknown chip in the quota', 'quota: { 910B: 1 }', 'quota: { 910C: 1 }', `<file>:41: ${AT}.quota.910C: the name must be one of 910B, 310P, MLU370, BM1684X`],
    ['a chip of another cluster', FINANCE, 'reports: { model: chatglm-6b, chip: MLU370 }', `<file>:43: ${AT}.models.reports: chatglm-6b on MLU370 is not offered here; there are chatglm3-6b on 910B, chatglm2-6b on 910B, chatglm2-6b on 310P`],
    ['quota for a chip of another cluster', 'quota: { 910B: 1 }', 'quota: { 910B: 1, MLU370: 1 }', `<file>:41: ${AT}.quota.MLU370: cluster ascend has 910B and 310P`],
    ['more servers than quota', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, devices: 2, replicas: 2 }', `<file>:41: ${AT}.quota: the servers need 4 of 910B, but the quota is 1`],
    ['a host that no Ingress reaches', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, host: reports.corp.example }', `<file>:43: ${AT}.models.reports.host: needs the namespace of the ingress controller among 'clients'`],
    ['a host that is none', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, host: Reports, clients: [ingress-nginx] }', `<file>:43: ${AT}.models.reports.host: must match pattern "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$", got "Reports"`],
    ['a client twice', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, clients: [a, a] }', `<file>:43: ${AT}.models.reports.clients: must NOT have duplicate items (items ## 0 and 1 are identical), got ["a","a"]`],
    ['a name that is no name', '      finance:', '      Finance:', '<file>:39: clusters.ascend.prod.Finance: the name must match pattern "^[a-z]([-a-z0-9]{0,28}[a-z0-9])?$"'],
    ['the name of the platform team', '      finance:', '      weights:', '<file>:39: clusters.ascend.prod.weights: the name is that of the platform team\'s own namespace'],
    ['an unknown environment', '    prod:\n      plant:', '    test:\n      plant:', '<file>:60: clusters.mixed.test: is not known here'],
    ['a tenant without fields', 'group: finance-operators\n        quota: { 910B: 1 }\n        models:\n          reports: { model: chatglm3-6b, chip: 910B }', '{}', `<file>:39: ${AT}: must have required property 'group'\n<file>:39: ${AT}: must have required property 'quota'\n<file>:39: ${AT}: must have required property 'models'`],
    ['a tenant twice', '      finance:', '      legal:', '<file>:39: Map keys must be unique'],
    ['a server with the name of the volume', FINANCE, 'weights: { model: chatglm3-6b, chip: 910B }', `<file>:43: ${AT}.models.weights: the name is that of the volume with the weights`],
    ['a host of another tenant', FINANCE, 'reports: { model: chatglm3-6b, chip: 910B, host: search-chat.corp.example, clients: [ingress-nginx] }', `<file>:43: ${AT}.models.reports.host: is the host of clusters.ascend.prod.search.models.chat as well`],
    ['an alias without an anchor', 'quota: { 910B: 1 }', 'quota: *one', '<file>:41: there is no anchor \'one\' before this alias'],
    ['a second document', '  mixed:\n', '---\n  mixed:\n', '<file>:48: a second document begins; all tenants are in one'],
    ['two faults', 'quota: { 910B: 1 }\n        models:\n          reports: { model: chatglm3-6b, chip: 910B }', 'quota: { 910B: -1 }\n        models:\n          reports: { model: chatglm3-6b, chip: 910B, devices: 0 }', `<file>:41: ${AT}.quota.910B: must be >= 0, got -1\n<file>:43: ${AT}.models.reports.devices: must be >= 1, got 0`],
  ])('%s', (_what, before, after, message) => {
    const file = tenantsWith([before, after]);

    expect(messageOf(() => readTenants(file))?.replaceAll(file, '<file>')).toBe(message);
  });

  test.each([
    ['nothing', '', '<file>:1: must be object, got null'],
    ['a list', '- clusters\n', '<file>:1: must be object, got ["clusters"]'],
    ['no clusters', 'cluster: {}\n', '<file>:1: must have required property \'clusters\'\n<file>:1: cluster: is not known here'],
    ['a quote that does not end', 'clusters:\n  ascend: "\n', '<file>:3: Missing closing "quote'],
  ])('%s', (_what, text, message) => {
    const file = fileOf(text);

    expect(messageOf(() => readTenants(file))?.replaceAll(file, '<file>')).toBe(message);
  });

  test('faults writes no file', () => {
    const outdir = folder();

    expect(() => { synthesizeFleet(fileOf('clusters: 1\n'), outdir); }).toThrow();
    expect(readdirSync(outdir)).toEqual([]);
  });

  test('numbers that only the library refuses is refused with file, line and field as well, for all tenants before anything is written', () => {
    const outdir = folder();
    const file = tenantsWith(
      ['devices: 2, replicas: 3, contextLength: 8192, host', 'devices: 2, replicas: 3, contextLength: 9000, host'],
      ['tutor: { model: chatglm-6b, chip: MLU370, replicas: 2', 'tutor: { model: chatglm-6b, chip: MLU370, contextLength: 9000, replicas: 2'],
    );

    expect(messageOf(() => { synthesizeFleet(file, outdir); })?.replaceAll(file, '<file>')).toBe([
      '<file>:26: clusters.ascend.prod.search.models.chat: [search-prod/chat] \'contextLength\' must be a whole number from 1 to 8192 for chatglm3-6b, got 9000',
      '<file>:70: clusters.mixed.prod.training.models.tutor: [training-prod/tutor] \'contextLength\' must be a whole number from 1 to 2048 for chatglm-6b, got 9000',
    ].join('\n'));
    expect(filesOf(outdir)).toEqual({});
  });

  test('a name that cannot be read names it', () => {
    expect(messageOf(() => readTenants('/nowhere/tenants.yaml'))).toBe('/nowhere/tenants.yaml: cannot be read: ENOENT: no such file or directory, open \'/nowhere/tenants.yaml\'');
  });
});

describe('a tenants file may', () => {
  test('say things once, by anchors and merges', () => {
    const once = tenantsWith(
      ['reports: { model: chatglm3-6b, chip: 910B }', 'reports: &small { model: chatglm3-6b, chip: 910B }'], ['quota: { 910B: 1 }', 'quota: &one { 910B: 1 }'],
      ['      archive: #', '      more:\n        group: more\n        quota: *one\n        models: { chat: { <<: *small, replicas: 1 } }\n      archive: #'],
    );

    expect(readTenants(once).clusters.ascend!.prod!.more).toEqual({
      group: 'more', quota: { '910B': 1 }, models: { chat: { model: 'chatglm3-6b', chip: '910B', devices: 1, replicas: 1, contextLength: 2048, clients: [] } },
    });
  });

  test('use an anchor for each of hundreds of tenants', () => {
    const tenants = Array.from({ length: 500 }, (_, index) => `      t${String(index)}: *none\n`).join('');

    expect(Object.keys(readTenants(fileOf(`clusters:\n  ascend:\n    dev:\n      t: &none { group: g, quota: {}, models: {} }\n${tenants}`)).clusters.ascend!.dev!)).toHaveLength(501);
  });

  test('call a server like anything else that a tenant has', () => {
    const taken = ['devices', 'namespace', 'share', 'reader', 'readers', 'api-keys', 'chat-tls', 'deny-all'];
    const file = tenantsWith(['drafts: { model: chatglm2-6b, chip: 910B }', taken.map((name) => `${name}: { model: chatglm2-6b, chip: 910B }`).join('\n          ')], ['quota: { 910B: 8 }', 'quota: { 910B: 14 }']);
    const deployments = parseAllDocuments(synthesized(file)['ascend-prod/search-prod/serving/search-prod.k8s.yaml']!).map((document) => document.toJS() as KubernetesObject).filter(({ kind }) => kind === 'Deployment');

    expect(deployments.map(({ metadata }) => metadata.name).sort()).toEqual(['chat', ...taken].map((name) => `search-prod-${name}`).sort());
  });
});

describe('ci.sh', () => {
  const TSX = `${path.join(ROOT, 'node_modules', '.bin', 'tsx')} --tsconfig ${path.join(ROOT, 'tsconfig.dev.json')}`;
  const SYNTH = `${TSX} main.ts`;
  const VALIDATE = `${TSX} ${path.join(ROOT, 'bin', 'cdk8s-chatglm.ts')} validate`;

  /** Runs it in the repository, or in a folder that looks like one. */
  function run(directory: string, env: NodeJS.ProcessEnv): Promise<{ readonly code: number; readonly out: string }> {
    return new Promise((resolve) => {
      const { KUBECONFIG: _own, ...inherited } = process.env;
      execFile('sh', [path.join(directory, 'ci.sh')], { env: { ...inherited, SYNTH, VALIDATE, ...env } }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out: `${out}${err}` });
      });
    });
  }

  /** A copy with what `SYNTH` can copy, for runs that are about something else than the program. */
  function copy(): { readonly directory: string; readonly env: NodeJS.ProcessEnv } {
    const directory = folder();
    cpSync(path.join(REPOSITORY, 'ci.sh'), path.join(directory, 'ci.sh'));
    cpSync(GOLDEN, path.join(directory, 'dist'), { recursive: true });
    writeFileSync(path.join(directory, 'synth.sh'), `cp -r ${GOLDEN}/. "$CDK8S_OUTDIR"\n`);
    return { directory, env: { SYNTH: 'sh synth.sh', VALIDATE: 'true' } };
  }

  test('passes on what is committed: the program, the rules with their warnings, dist', async () => {
    const { code, out } = await run(REPOSITORY, {});

    const counts = readdirSync(GOLDEN).map((name) => `${name}:\nnothing found in ${String(objectsOf(name).length)} objects\n`).join('');
    const skipped = readdirSync(GOLDEN).map((name) => `${name}: not asked, KUBECONFIG has no context of that name\n`).join('');
    expect(out).toBe(`== synth\n== rules\n${counts}== dist\n== clusters\n${skipped}== passed\n`);
    expect(code).toBe(0);
  }, 120_000);

  test('fails where dist was forgotten', async () => {
    const { directory, env } = copy();
    const file = path.join(directory, 'dist', 'mixed-prod', 'plant-prod', 'base', 'plant-prod.k8s.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('squat.ai/bm1684x: 4', 'squat.ai/bm1684x: 400'));
    const { code, out } = await run(directory, env);

    expect(code).toBe(1);
    expect(out).toContain('<     requests.squat.ai/bm1684x: 400\n');
    expect(out).toContain('dist is not what the program writes: run \'npm run synth\', review the difference and commit it\n');
    expect(out).not.toContain('== clusters');
  });

  test('fails where a rule finds something', async () => {
    const { directory, env } = copy();
    const { code, out } = await run(directory, { ...env, VALIDATE: 'false' });

    expect([code, out]).toEqual([1, '== synth\n== rules\nascend-dev:\n']);
  });

  test('has the rules compare all objects of a cluster, however many files they are in', async () => {
    const { directory, env } = copy();
    writeFileSync(path.join(directory, 'validate.sh'), 'echo "$# $(basename "$1")"\n');
    const { out } = await run(directory, { ...env, VALIDATE: 'sh validate.sh' });

    expect(out).toContain(`== rules\n${readdirSync(GOLDEN).map((name) => `${name}:\n1 ${name}\n`).join('')}== dist\n`);
  });

  test('asks the clusters that it knows, with a client\'s check for namespaces that are new', async () => {
    const { directory, env } = copy();
    const { code, out } = await run(directory, { ...env, ...kubectl(directory, 'exit 0') });

    expect(out).toContain('ascend-dev: not asked, KUBECONFIG has no context of that name\n');
    expect(out).toContain('ascend-prod: search-prod, by the server\n');
    expect(out).toContain('ascend-prod: legal-prod, by the client\n');
    const asked = readFileSync(path.join(directory, 'asked'), 'utf8').split('\n').filter((line) => line.includes('/search-prod/') || line.includes('/legal-prod/'));
    expect(asked).toEqual([
      '--context ascend-prod apply --dry-run=client --validate=strict -f dist/ascend-prod/legal-prod/base/legal-prod.k8s.yaml',
      '--context ascend-prod apply --dry-run=client --validate=strict -f dist/ascend-prod/legal-prod/serving/legal-prod.k8s.yaml',
      '--context ascend-prod apply --dry-run=server --validate=strict -f dist/ascend-prod/search-prod/base/search-prod.k8s.yaml',
      '--context ascend-prod apply --dry-run=server --validate=strict -f dist/ascend-prod/search-prod/serving/search-prod.k8s.yaml',
    ]);
    expect(code).toBe(0);
  });

  test('fails where a cluster refuses a manifest', async () => {
    const { directory, env } = copy();
    const { code, out } = await run(directory, { ...env, ...kubectl(directory, 'echo refused >&2; exit 1') });

    expect(code).not.toBe(0);
    expect(out).toContain('refused\n');
    expect(out).not.toContain('== passed');
  });

  test('fails where a cluster does not answer', async () => {
    const { directory, env } = copy();
    const { code, out } = await run(directory, { ...env, ...kubectl(directory, 'exit 0'), FORBIDDEN: 'yes' });

    expect([code, out.split('\n').slice(-3)]).toEqual([1, ['ascend-dev: not asked, KUBECONFIG has no context of that name', 'Error from server (Forbidden)', '']]);
    expect(existsSync(path.join(directory, 'asked'))).toBe(false);
  });

  /** A kubectl that knows one cluster, which has all namespaces but one; it writes down what it is asked to apply. */
  function kubectl(directory: string, onApply: string): NodeJS.ProcessEnv {
    const file = path.join(directory, 'kubectl');
    writeFileSync(file, `#!/bin/sh
case "$*" in
  'config get-contexts -o name') echo ascend-prod ;;
  *'get namespace '*) [ -z "$FORBIDDEN" ] || { echo 'Error from server (Forbidden)' >&2; exit 1; }; case "$*" in *' legal-prod '*) ;; *) echo namespace/there ;; esac ;;
  *) echo "$*" >> "${directory}/asked"; ${onApply} ;;
esac
`);
    chmodSync(file, 0o755);
    return { PATH: `${directory}:${String(process.env.PATH)}`, KUBECONFIG: '/nowhere' };
  }
});

test('the folder is complete for somebody who copies it', () => {
  const { scripts, dependencies } = JSON.parse(readFileSync(path.join(REPOSITORY, 'package.json'), 'utf8')) as { scripts: Record<string, string>; dependencies: Record<string, string> };
  const imported = readdirSync(REPOSITORY).filter((name) => name.endsWith('.ts')).flatMap((name) => [...readFileSync(path.join(REPOSITORY, name), 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => from!));
  const own = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };

  expect([...new Set([...imported.filter((from) => !from.startsWith('.') && !from.startsWith('node:')), 'tsx'])].sort()).toEqual(Object.keys(dependencies).sort());
  expect(imported.filter((from) => from.startsWith('..'))).toEqual([]);
  expect(dependencies['cdk8s-chatglm']).toBe(own.version);
  expect(Object.values(scripts)).toEqual(['tsx main.ts', 'sh ci.sh']);
  expect(existsSync(path.join(REPOSITORY, 'README.md'))).toBe(true);
});
