import { App, Chart, Size, Testing } from 'cdk8s';
import { ConfigMap, Namespace } from 'cdk8s-plus-27';
import { Delivery, InferenceDeployment, ModelStore, Platform, PruneArtifacts } from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { SERVER } from '../support/workloads';
import { claimsOf, edgesOf, flowsOf } from './artifact-flow';
import { folderOf, names } from './synthesized-folder';
import { attachPlatform, workflow } from './workflow';

const WAVE = 'argocd.argoproj.io/sync-wave';
const OPTIONS = 'argocd.argoproj.io/sync-options';
const annotation = ({ metadata }: KubernetesObject, key: string): string | undefined => metadata.annotations?.[key];
const wave = (object: KubernetesObject): number => Number(annotation(object, WAVE));
const synthesized = (chart: Chart): KubernetesObject[] => Testing.synth(chart) as KubernetesObject[];
const REPOSITORY = { repositoryUrl: 'https://git.corp.example/llm.git' };

describe('sync waves', () => {
  const objects = synthesized(workflow(Testing.app(), 'chatglm3', Delivery.ARGO_CD).chart);

  test('stand on every object, and also in cdk8s\'s own app', () => {
    expect(objects.length).toBeGreaterThan(15);
    expect(objects.filter((object) => !/^\d+$/.test(annotation(object, WAVE) ?? ''))).toEqual([]);
  });

  test('are a topological order: what writes an artifact comes before what waits for it', () => {
    const edges = edgesOf(flowsOf(objects));

    expect(edges.map(([producer, consumer]) => `${producer.object} -> ${consumer.object}`.replace(/-[0-9a-f]{8}\b/g, '')).sort()).toEqual([
      'Job/chatglm3-adgen -> Job/chatglm3-finetune', 'Job/chatglm3-checkpoint -> Job/chatglm3-finetune', 'Job/chatglm3-checkpoint -> Job/chatglm3-merge',
      'Job/chatglm3-finetune -> Job/chatglm3-merge', 'Job/chatglm3-merge -> Deployment/chatglm3-tuned', 'Job/chatglm3-mindformers -> Deployment/chatglm3-tuned',
      'Job/chatglm3-mindformers -> Job/chatglm3-finetune', 'Job/chatglm3-weights -> Deployment/chatglm3-chat',
    ]);
    expect(edges.filter(([producer, consumer]) => wave(producer.manifest) >= wave(consumer.manifest))).toEqual([]);
  });

  test('put a claim into the wave of its first consumer, since it may bind only when a pod needs it', () => {
    for (const claim of objects.filter(({ kind }) => kind === 'PersistentVolumeClaim')) {
      const consumers = flowsOf(objects).map(({ manifest }) => manifest).filter((manifest) => claimsOf(manifest).includes(claim.metadata.name));
      expect(wave(claim)).toBe(Math.min(...consumers.map(wave)));
    }
  });

  test('put a claim that is first used late, late, and one that nobody uses last', () => {
    const { chart, checkpoint } = workflow(Testing.app(), 'chatglm3', Delivery.ARGO_CD);
    new ModelStore(chart, 'unused', { size: Size.gibibytes(1) });
    new PruneArtifacts(chart, 'prune', { store: checkpoint.artifact.store, keep: [checkpoint.artifact] });
    const waves = Object.fromEntries(synthesized(chart).map((object): [string, number] => [names([object]).join(''), wave(object)]));

    expect(waves).toMatchObject({ 'PersistentVolumeClaim/chatglm3-unused': 3, 'Job/chatglm3-prune': 3, 'PersistentVolumeClaim/chatglm3-store': 0, 'ConfigMap/rings-config-chatglm3-finetune': 1 });
  });

  test('leave alone what somebody else said', () => {
    const { chart } = workflow(Testing.app(), 'chatglm3', Delivery.ARGO_CD);
    new ConfigMap(chart, 'own', { metadata: { name: 'own', annotations: { [WAVE]: '-5' } } });
    const own = synthesized(chart).filter(({ metadata }) => metadata.name === 'own');

    expect(own.map(({ metadata }) => metadata.annotations)).toEqual([{ [WAVE]: '-5' }]);
  });

  test('stay away where kubectl applies', () => {
    expect(synthesized(workflow(Testing.app(), 'chatglm3', Delivery.KUBECTL).chart).filter(({ metadata }) => Object.keys(metadata.annotations ?? {}).some((key) => key.includes('argo')))).toEqual([]);
  });
});

describe('what is kept and what is replaced', () => {
  test('claims are neither pruned nor deleted; nothing else has options', () => {
    const objects = synthesized(workflow(Testing.app(), 'chatglm3', Delivery.ARGO_CD).chart);
    const withOptions = objects.filter((object) => annotation(object, OPTIONS) !== undefined);

    expect(withOptions.map((object) => [names([object])[0], annotation(object, OPTIONS)])).toEqual([
      ['PersistentVolumeClaim/chatglm3-store', 'Prune=false,Delete=false'], ['PersistentVolumeClaim/chatglm3-plain', 'Prune=false,Delete=false'],
    ]);
  });

  test.each([
    [Delivery.ARGO_CD, { [OPTIONS]: 'Prune=false,Delete=false', [WAVE]: '0' }], [Delivery.FLUX, { 'kustomize.toolkit.fluxcd.io/prune': 'disabled' }], [Delivery.HELM, { 'helm.sh/resource-policy': 'keep' }],
  ])('a namespace is kept as well, since the claims in it would go with it: %s', (delivery, annotations) => {
    const { chart } = workflow(Testing.app(), 'chatglm3', delivery);
    new Namespace(chart, 'namespace', { metadata: { name: 'llm' } });

    expect(synthesized(chart).find(({ kind }) => kind === 'Namespace')!.metadata.annotations).toEqual(annotations);
  });

  test('with stable names, Jobs of every kind are replaced, never claims', () => {
    const objects = synthesized(workflow(Testing.app(), 'chatglm3', Delivery.argoCd({ stableJobNames: true })).chart);
    const options = Object.fromEntries(objects.flatMap((object) => annotation(object, OPTIONS) === undefined ? [] : [[`${object.kind}/${object.metadata.name}`, annotation(object, OPTIONS)]]));
    const replaced = ['checkpoint', 'adgen', 'mindformers', 'finetune', 'merge', 'weights'].map((id) => [`Job/chatglm3-${id}`, 'Force=true,Replace=true']);

    expect(options).toEqual({
      ...Object.fromEntries(replaced), 'PersistentVolumeClaim/chatglm3-store': 'Prune=false,Delete=false', 'PersistentVolumeClaim/chatglm3-plain': 'Prune=false,Delete=false',
    });
    expect(objects.map(({ metadata }) => metadata.name)).toContain('rings-config-chatglm3-finetune');
  });
});

describe('Applications', () => {
  const folder = folderOf((app) => { workflow(app, 'chatglm3', Delivery.argoCd(REPOSITORY)); });

  test('are one for the jobs, one for the servers and one for what both need, each with a folder', () => {
    expect(Object.fromEntries(Object.entries(folder).map(([file, objects]) => [file, names(objects)]))).toEqual({
      'argo-cd/chatglm3.k8s.yaml': ['Application/chatglm3-base', 'Application/chatglm3-jobs', 'Application/chatglm3-serving'],
      'chatglm3/base/chatglm3.k8s.yaml': expect.arrayContaining(['ConfigMap/chatglm3-scripts-serve-model', 'ConfigMap/chatglm3-scripts-wait-for-artifacts']) as unknown,
      'chatglm3/jobs/chatglm3.k8s.yaml': expect.arrayContaining(['PersistentVolumeClaim/chatglm3-store', 'PersistentVolumeClaim/chatglm3-plain', 'Job/chatglm3-finetune', 'ConfigMap/rings-config-chatglm3-finetune', 'Job/chatglm3-merge']) as unknown,
      'chatglm3/serving/chatglm3.k8s.yaml': ['Deployment/chatglm3-tuned', 'Service/chatglm3-tuned', 'Deployment/chatglm3-chat', 'Service/chatglm3-chat'],
    });
    expect(folder['chatglm3/base/chatglm3.k8s.yaml']!.filter(({ kind }) => kind !== 'ConfigMap')).toEqual([]);
    expect(folder['chatglm3/jobs/chatglm3.k8s.yaml']!.filter(({ kind }) => ['Deployment', 'Service'].includes(kind))).toEqual([]);
  });

  test('leave the rank table to its operator', () => {
    const [, jobs] = folder['argo-cd/chatglm3.k8s.yaml']!;
    const table = folder['chatglm3/jobs/chatglm3.k8s.yaml']!.find(({ metadata }) => metadata.name.startsWith('rings-config-'))!;

    expect(jobs).toEqual({
      apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'chatglm3-jobs', namespace: 'argocd' },
      spec: {
        project: 'default',
        source: { repoURL: 'https://git.corp.example/llm.git', targetRevision: 'HEAD', path: 'dist/chatglm3/jobs' },
        destination: { server: 'https://kubernetes.default.svc', namespace: 'llm' },
        syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ['RespectIgnoreDifferences=true'] },
        ignoreDifferences: [{ kind: 'ConfigMap', name: table.metadata.name, jsonPointers: ['/data'] }],
      },
    });
  });

  test('follow their props', () => {
    const delivery = Delivery.argoCd({
      ...REPOSITORY, revision: 'main', path: 'clusters/a', project: 'llm', argoCdNamespace: 'gitops', server: 'https://a.corp.example:6443', automated: false,
    });
    const files = folderOf((app) => {
      const chart = new Chart(app, 'chat');
      attachPlatform(chart, delivery);
      new InferenceDeployment(chart, 'chat', SERVER);
    });

    expect(files['argo-cd/chat.k8s.yaml']![1]).toEqual({
      apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', metadata: { name: 'chat-serving', namespace: 'gitops' },
      spec: {
        project: 'llm', source: { repoURL: REPOSITORY.repositoryUrl, targetRevision: 'main', path: 'clusters/a/chat/serving' },
        destination: { server: 'https://a.corp.example:6443' }, syncPolicy: { syncOptions: ['RespectIgnoreDifferences=true'] },
      },
    });
  });

  test('with stable names, a sync replaces only Jobs that have changed, and leaves running ones alone', () => {
    const files = folderOf((app) => { workflow(app, 'chatglm3', Delivery.argoCd({ ...REPOSITORY, stableJobNames: true })); });

    expect(files['argo-cd/chatglm3.k8s.yaml']!.map(({ metadata, spec }) => [metadata.name, (spec as { syncPolicy: { syncOptions: string[] } }).syncPolicy.syncOptions])).toEqual(
      ['base', 'jobs', 'serving'].map((part) => [`chatglm3-${part}`, ['RespectIgnoreDifferences=true', 'ApplyOutOfSyncOnly=true']]),
    );
  });

  test('are left to others without a repository: a chart stays one file', () => {
    expect(Object.keys(folderOf((app) => { workflow(app, 'chatglm3', Delivery.ARGO_CD); }))).toEqual(['chatglm3.k8s.yaml']);
  });
});

test('a fleet is annotated in linear time', () => {
  const seconds = [60, 240].map((count) => {
    const app = new App();
    Platform.attach(app, { delivery: Delivery.ARGO_CD });
    const charts = Array.from({ length: count }, (_, index) => new Chart(app, `c${String(index)}`));
    charts.forEach((chart) => new InferenceDeployment(chart, 'chat', SERVER));
    const start = performance.now();
    app.node.findAll().forEach(({ node }) => node.validate());
    return (performance.now() - start) / 1000 / count;
  });

  expect(seconds[1]! / seconds[0]!).toBeLessThan(3);
});
