import { Chart, Duration, Size } from 'cdk8s';
import { Delivery, InferenceDeployment, ModelStore } from 'cdk8s-chatglm';

import { fluxKustomization } from '../../lib/gitops/flux';
import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { messageOf } from '../support/bad-input';
import { SERVER } from '../support/workloads';
import { claimsOf, edgesOf, flowsOf } from './artifact-flow';
import { type Folder, folderOf, names } from './synthesized-folder';
import { attachPlatform, workflow } from './workflow';

interface Kustomization extends KubernetesObject {
  readonly spec: { readonly path: string; readonly dependsOn?: readonly { readonly name: string }[]; readonly healthChecks?: readonly { readonly kind: string; readonly name: string }[]; readonly timeout: string };
}

const kustomizations = (folder: Folder): Kustomization[] => Object.entries(folder).filter(([file]) => file.startsWith('flux/')).flatMap(([, objects]) => objects as Kustomization[]);

/** The names of Kustomizations that come before one, however far. */
function before(all: readonly Kustomization[], name: string): Set<string> {
  const direct = all.find(({ metadata }) => metadata.name === name)?.spec.dependsOn?.map((dependency) => dependency.name) ?? [];
  return new Set([...direct, ...direct.flatMap((dependency) => [...before(all, dependency)])]);
}

/** The Kustomization that applies a file. */
const applying = (file: string): string => file.split('/').slice(0, 2).join('-');

describe('the stages of a workflow', () => {
  const folder = folderOf((app) => { workflow(app, 'chatglm3', Delivery.FLUX); });
  const all = kustomizations(folder);
  const files = Object.entries(folder).filter(([file]) => file.endsWith('/chatglm3.k8s.yaml') && !file.startsWith('flux/'));
  const stageOf = (object: KubernetesObject): string => applying(files.find(([, objects]) => objects.includes(object))![0]);

  test('are folders with a kustomization.yaml that lists their only file', () => {
    const stages = ['base', 'jobs-0', 'jobs-1', 'jobs-2', 'serving-1', 'serving-3'];

    expect(Object.keys(folder)).toEqual([...stages.flatMap((stage) => [`chatglm3/${stage}/chatglm3.k8s.yaml`, `chatglm3/${stage}/kustomization.yaml`]), 'flux/chatglm3.k8s.yaml']);
    expect(folder['chatglm3/jobs-0/kustomization.yaml']).toEqual([{ apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: ['chatglm3.k8s.yaml'] }]);
    expect(all.map(({ metadata, spec }) => [metadata.name, spec.path])).toEqual(stages.map((stage) => [`chatglm3-${stage}`, `./dist/chatglm3/${stage}`]));
  });

  test('hold every object once', () => {
    const plain = folderOf((app) => { workflow(app, 'chatglm3', Delivery.KUBECTL); })['chatglm3.k8s.yaml']!;

    expect(files.flatMap(([, objects]) => names(objects)).sort()).toEqual(names(plain).sort());
  });

  test('depend on each other as the workloads do: what writes an artifact is ready before what waits for it is applied', () => {
    const edges = edgesOf(flowsOf(files.flatMap(([, objects]) => objects)));

    expect(edges.length).toBeGreaterThan(7);
    expect(edges.filter(([producer, consumer]) => !before(all, stageOf(consumer.manifest)).has(stageOf(producer.manifest)))).toEqual([]);
    expect(all.filter(({ metadata }) => before(all, metadata.name).has(metadata.name))).toEqual([]);
  });

  test('keep the server of the plain weights free of the fine-tune', () => {
    expect([...before(all, 'chatglm3-serving-1')].sort()).toEqual(['chatglm3-base', 'chatglm3-jobs-0']);
    expect([...before(all, 'chatglm3-serving-3')].sort()).toEqual(['chatglm3-base', 'chatglm3-jobs-0', 'chatglm3-jobs-1', 'chatglm3-jobs-2']);
  });

  test('wait for workloads alone, so for no claim', () => {
    const checked = all.flatMap(({ spec }) => spec.healthChecks ?? []).map(({ kind, name }) => `${kind}/${name}`).sort();

    expect(checked).toEqual(files.flatMap(([, objects]) => objects).filter(({ kind }) => ['Job', 'Deployment'].includes(kind)).map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort());
  });

  test('have claims where they are first used', () => {
    const objects = files.flatMap(([, members]) => members);
    for (const claim of objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')) {
      const stages = flowsOf(objects).filter(({ manifest }) => claimsOf(manifest).includes(claim.metadata.name)).map(({ manifest }) => stageOf(manifest));
      expect(stages).toContain(stageOf(claim));
      expect(stages.filter((stage) => before(all, stageOf(claim)).has(stage))).toEqual([]);
    }
  });

  test('have timeouts that follow from the deadlines of downloads, Jobs and servers, and a week where there is none', () => {
    const spec = (file: string): Record<string, unknown> => folder[file]!.find(({ kind }) => kind === 'Deployment')!.spec as Record<string, unknown>;

    expect(Object.fromEntries(all.map(({ metadata, spec: { timeout } }) => [metadata.name, timeout]))).toMatchObject({
      'chatglm3-jobs-0': `${String(600 + Math.ceil(3 * 12487168064 / 10 / 2 ** 20) + 3600)}s`, 'chatglm3-jobs-1': `${String(7 * 86400 + 600)}s`, 'chatglm3-jobs-2': `${String(2 * 3600 + 600)}s`,
      'chatglm3-serving-1': `${String(Number(spec('chatglm3/serving-1/chatglm3.k8s.yaml').progressDeadlineSeconds) + 600)}s`,
    });
  });

  test('protect claims, and the rank table that an operator fills', () => {
    const annotations = files.flatMap(([, objects]) => objects).flatMap((object) => Object.entries(object.metadata.annotations ?? {}).map(([key, value]) => `${names([object]).join('')} ${key}: ${value}`));

    expect(annotations.filter((annotation) => annotation.includes('fluxcd')).sort()).toEqual([
      'ConfigMap/rings-config-chatglm3-finetune kustomize.toolkit.fluxcd.io/ssa: IfNotPresent',
      'PersistentVolumeClaim/chatglm3-plain kustomize.toolkit.fluxcd.io/prune: disabled', 'PersistentVolumeClaim/chatglm3-store kustomize.toolkit.fluxcd.io/prune: disabled',
    ]);
  });
});

test('a Kustomization, whole', () => {
  const folder = folderOf((app) => { workflow(app, 'chatglm3', Delivery.flux({ sourceKind: 'OCIRepository', sourceName: 'llm', fluxNamespace: 'gitops', path: 'out', interval: Duration.minutes(5), timeout: Duration.days(1) })); });
  const finetune = folder['chatglm3/jobs-1/chatglm3.k8s.yaml']!.find(({ kind }) => kind === 'Job')!;

  expect(kustomizations(folder)[2]).toEqual({
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1', kind: 'Kustomization', metadata: { name: 'chatglm3-jobs-1', namespace: 'gitops' },
    spec: {
      interval: '300s', retryInterval: '120s', timeout: '87000s', path: './out/chatglm3/jobs-1', prune: true, sourceRef: { kind: 'OCIRepository', name: 'llm' },
      dependsOn: [{ name: 'chatglm3-base' }, { name: 'chatglm3-jobs-0' }],
      healthChecks: [{ apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job', name: finetune.metadata.name, namespace: 'llm' }],
      healthCheckExprs: [{
        apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job',
        current: 'has(status.state) && status.state.phase == \'Completed\'',
        failed: 'has(status.state) && status.state.phase in [\'Failed\', \'Aborted\', \'Terminated\']',
        inProgress: '!has(status.state) || !(status.state.phase in [\'Completed\', \'Failed\', \'Aborted\', \'Terminated\'])',
      }],
    },
  });
});

test('an AscendJob is judged by its conditions, and has no deadline that anybody keeps', () => {
  const job = { apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob', metadata: { name: 'train' }, spec: { runPolicy: { activeDeadlineSeconds: 1000 } } };
  const { spec } = fluxKustomization({ chart: 'c', name: 'jobs-0', namespace: undefined, manifests: [job], after: [] }, {});

  expect(spec).toMatchObject({
    timeout: '605400s', healthChecks: [{ apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob', name: 'train' }],
    healthCheckExprs: [{ apiVersion: 'mindxdl.gitee.com/v1', kind: 'AscendJob', current: 'has(status.conditions) && status.conditions.exists(c, c.type == \'Succeeded\' && c.status == \'True\')' }],
  });
  expect(spec).not.toHaveProperty('dependsOn');
});

test('stable names are forced on Jobs alone', () => {
  const folder = folderOf((app) => { workflow(app, 'chatglm3', Delivery.flux({ stableJobNames: true })); });
  const forced = Object.entries(folder).filter(([file]) => !file.endsWith('kustomization.yaml')).flatMap(([, objects]) => objects).filter(({ metadata }) => metadata.annotations?.['kustomize.toolkit.fluxcd.io/force'] === 'enabled');

  expect(forced.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()).toEqual(['adgen', 'checkpoint', 'finetune', 'merge', 'mindformers', 'weights'].map((id) => `Job/chatglm3-${id}`));
});

test('an artifact of another chart is waited for there', () => {
  const folder = folderOf((app) => {
    const { checkpoint } = workflow(app, 'shared', Delivery.FLUX);
    const chart = new Chart(app, 'tenant', { namespace: 'llm' });
    attachPlatform(chart, Delivery.FLUX);
    new InferenceDeployment(chart, 'chat', { ...SERVER, weights: checkpoint.artifact });
  });

  expect(Object.keys(folder).filter((file) => file.startsWith('tenant/') && !file.endsWith('kustomization.yaml'))).toEqual(['tenant/base/tenant.k8s.yaml', 'tenant/serving-1/tenant.k8s.yaml']);
  expect(kustomizations(folder).find(({ metadata }) => metadata.name === 'tenant-serving-1')!.spec.dependsOn).toEqual([{ name: 'tenant-base' }, { name: 'shared-jobs-0' }]);
});

test('what another tool applies cannot be waited for', () => {
  const folder = folderOf((app) => {
    const { checkpoint } = workflow(app, 'shared', Delivery.KUBECTL);
    const chart = new Chart(app, 'tenant', { namespace: 'llm' });
    attachPlatform(chart, Delivery.FLUX);
    new InferenceDeployment(chart, 'chat', { ...SERVER, weights: checkpoint.artifact });
  });

  expect(Object.keys(folder)).toContain('shared.k8s.yaml');
  expect(kustomizations(folder).map(({ spec }) => spec.dependsOn)).toEqual([undefined, [{ name: 'tenant-base' }]]);
});

test('a claim that nobody uses waits for nothing, and nothing for it', () => {
  const folder = folderOf((app) => {
    const chart = new Chart(app, 'alone', { namespace: 'llm' });
    attachPlatform(chart, Delivery.FLUX);
    new ModelStore(chart, 'unused', { size: Size.gibibytes(1) });
  });

  expect(names(folder['alone/base/alone.k8s.yaml'])).toEqual(['PersistentVolumeClaim/alone-unused']);
  expect(kustomizations(folder).map(({ spec }) => spec.healthChecks)).toEqual([undefined]);
});

test.each([['flux', Delivery.FLUX, 'Kustomization', 'serving-0'], ['argo-cd', Delivery.argoCd({ repositoryUrl: 'https://git.corp.example/llm.git' }), 'Application', 'serving']])('a name that does not fit into the label of %s is refused', (_, delivery, kind, stage) => {
  const program = (length: number) => (): void => {
    folderOf((app) => {
      const chart = new Chart(app, 'c'.repeat(length), { namespace: 'llm' });
      attachPlatform(chart, delivery);
      new InferenceDeployment(chart, 'a', SERVER);
    });
  };
  const longest = 63 - `-${stage}`.length;

  expect(messageOf(program(longest))).toBeUndefined();
  expect(messageOf(program(longest + 1))).toBe(
    `the ${kind} '${'c'.repeat(longest + 1)}-${stage}' has 64 characters in its name, which becomes a label of at most 63; give the chart '${'c'.repeat(longest + 1)}' a shorter id`,
  );
});

test('a chart cannot take the name of the folder with the Kustomizations', () => {
  expect(messageOf(() => folderOf((app) => { workflow(app, 'flux', Delivery.FLUX); })))
    .toBe('a chart cannot be called \'flux\' with this delivery, whose own files go into the folder of that name; give it another id');
});
