import { Chart, Size, Testing } from 'cdk8s';

import {
  Artifact, ArtifactFormat, DownloadWeights, EphemeralStore, GlmModel, ImageStore, InferenceDeployment, ModelStore, NodeStore, Runtime, WeightSource,
} from 'cdk8s-chatglm';

import { chartWith, only, synthesized } from '../support/synthesized';
import { messageOf } from '../support/bad-input';

const MODEL = GlmModel.CHATGLM2_6B;
const SOURCE = WeightSource.huggingFace(MODEL, { runtime: 'atb-models' });

function podSpec(chart: ReturnType<typeof chartWith>) {
  const deployment = only(synthesized(chart), 'Deployment') as unknown as { spec: { template: { spec: { volumes: object[] } } } };
  return deployment.spec.template.spec;
}

function serve(chart: ReturnType<typeof chartWith>, weights: Artifact) {
  new InferenceDeployment(chart, 'chat', { model: MODEL, runtime: Runtime.echo(), weights });
}

test.each([
  ['a node\'s directory', new NodeStore({ storeName: 'cache', path: '/var/cache/models' }), { hostPath: { path: '/var/cache/models', type: 'DirectoryOrCreate' } }],
  ['an emptyDir', new EphemeralStore({ storeName: 'cache', size: Size.gibibytes(20) }), { emptyDir: { sizeLimit: '20480Mi' } }],
])('a pod downloads to %s', (_, store, source) => {
  const chart = chartWith();

  serve(chart, Artifact.downloadedInPod({ store, model: MODEL, source: SOURCE }));

  expect(podSpec(chart).volumes).toContainEqual({ name: 'store-cache', ...source });
});

test('an ephemeral store for a model has room for its weights', () => {
  expect(EphemeralStore.forModel('cache', MODEL).volumeSource).toEqual({ emptyDir: { sizeLimit: '13312Mi' } });
  expect(EphemeralStore.forModel('cache', GlmModel.GLM_4_9B).capacity?.toGibibytes()).toBe(20);
});

test('an image is mounted and nothing is downloaded', () => {
  const chart = chartWith();
  const store = new ImageStore({ storeName: 'models', image: 'registry.example/models/chatglm2-6b:1' });

  serve(chart, Artifact.existing({ store, directory: 'chatglm2-6b', format: ArtifactFormat.HUGGING_FACE }));

  const spec = podSpec(chart) as { volumes: object[]; initContainers?: { name: string }[] };
  expect(spec.volumes).toContainEqual({ name: 'store-models', image: { reference: 'registry.example/models/chatglm2-6b:1', pullPolicy: 'IfNotPresent' } });
  expect(spec.initContainers?.map(({ name }) => name)).toEqual(['copy-scripts']);
});

test('a Job does not write to a directory that other nodes do not see', () => {
  const chart = chartWith();
  const store = new NodeStore({ storeName: 'cache', path: '/var/cache/models' });

  expect(messageOf(() => new DownloadWeights(chart, 'weights', { store, model: MODEL, source: SOURCE }))).toBe(
    '[test/weights] the store \'cache\' is another one on every node or in every pod, so nobody would see chatglm2-6b that this Job writes; '
      + 'use a ModelStore, or Artifact.downloadedInPod',
  );
});

test('nothing is awaited on a directory that other nodes do not see', () => {
  const store = new NodeStore({ storeName: 'cache', path: '/var/cache/models' });
  const weights = Artifact.existing({ store, directory: 'chatglm2-6b', format: ArtifactFormat.HUGGING_FACE, marked: true });

  expect(messageOf(() => { serve(chartWith(), weights); })).toBe(
    '[test/chat] chatglm2-6b is written by another pod, which the store \'cache\' does not share; use Artifact.downloadedInPod, or a ModelStore',
  );
});

test('nothing exists on an ephemeral store', () => {
  const store = new EphemeralStore({ storeName: 'cache', size: Size.gibibytes(20) });

  expect(messageOf(() => Artifact.existing({ store, directory: 'chatglm2-6b', format: ArtifactFormat.HUGGING_FACE })))
    .toBe('nothing can exist on the ephemeral store \'cache\' before its pod; use Artifact.downloadedInPod');
});

test('a claim is used in its own namespace only', () => {
  const app = Testing.app();
  const store = new ModelStore(new Chart(app, 'a', { namespace: 'llm' }), 'store', { size: Size.gibibytes(100) });
  const chart = new Chart(app, 'b', { namespace: 'other' });

  expect(messageOf(() => new DownloadWeights(chart, 'weights', { store, model: MODEL, source: SOURCE }))).toBe(
    '[b/weights] the claim of the store \'store\' is in the namespace \'llm\', this workload in \'other\'; '
      + 'make a ModelStore here with \'existingClaim\', or with \'volumeName\' for a volume on the same share',
  );
});

test('images that are volumes come from the mirror, too, and images of the mirror keep their names', () => {
  const chart = chartWith({ imageRegistry: 'harbor.corp.example/mirror' });
  const store = new ImageStore({ storeName: 'models', image: 'registry.example/models/chatglm2-6b:1' });

  new InferenceDeployment(chart, 'chat', {
    model: MODEL, runtime: Runtime.echo({ image: 'harbor.corp.example/mirror/python:3.12.7' }),
    weights: Artifact.existing({ store, directory: 'chatglm2-6b', format: ArtifactFormat.HUGGING_FACE }),
  });

  const spec = podSpec(chart) as { volumes: object[]; containers?: { image: string }[] };
  expect(spec.volumes).toContainEqual({ name: 'store-models', image: { reference: 'harbor.corp.example/mirror/models/chatglm2-6b:1', pullPolicy: 'IfNotPresent' } });
  expect(spec.containers?.[0]?.image).toBe('harbor.corp.example/mirror/python:3.12.7');
});

test('a store must have room for its artifacts, however many constructs use them', () => {
  const chart = chartWith();
  const store = new ModelStore(chart, 'store', { size: Size.gibibytes(13) });
  const weights = new DownloadWeights(chart, 'weights', { store, model: MODEL, source: SOURCE });
  serve(chart, weights.artifact);

  expect(messageOf(() => new DownloadWeights(chart, 'more', { store, model: GlmModel.CHATGLM_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM_6B, { revision: 'v1' }) })))
    .toBe(`[test/more] the store 'store' has 13.0 GiB, but its artifacts need 24.1 GiB (${weights.artifact.directory}, chatglm-6b-${lastLineage()}); make it larger`);
});

test('a claim can be bound to a volume that was made by hand', () => {
  const chart = chartWith();

  new ModelStore(chart, 'store', { size: Size.gibibytes(100), volumeName: 'shared-weights', storageClassName: '', readOnly: true });

  expect(only(synthesized(chart), 'PersistentVolumeClaim').spec).toMatchObject({ volumeName: 'shared-weights' });
});

test.each([
  [() => new NodeStore({ storeName: 'cache', path: 'models' }), '\'path\' of a node store must be an absolute directory, like \'/var/cache/models\', got \'models\''],
  [() => new NodeStore({ storeName: 'cache', path: '/a/../etc' }), '\'path\' of a node store must be an absolute directory, like \'/var/cache/models\', got \'/a/../etc\''],
  [() => new EphemeralStore({ storeName: 'My Cache', size: Size.gibibytes(1) }), '\'storeName\' must be kebab-case, at most 50 characters, got \'My Cache\''],
  [() => new EphemeralStore({ storeName: 'cache', size: Size.gibibytes(0) }), '\'size\' of an ephemeral store must be positive, got 0Gi'],
  [() => new ImageStore({ storeName: 'models', image: 'models:latest' }), '\'image\' must be pinned by a full tag or a digest, got \'models:latest\''],
])('bad store %#', (make, message) => {
  expect(make).toThrow(new Error(message));
});


function lastLineage(): string {
  const chart = chartWith();
  const store = new ModelStore(chart, 'store', { size: Size.gibibytes(100) });
  return new DownloadWeights(chart, 'w', { store, model: GlmModel.CHATGLM_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM_6B, { revision: 'v1' }) }).artifact.lineage;
}
