import { Artifact, ArtifactFormat, GlmModel, type HubSourceOptions, WeightSource } from 'cdk8s-chatglm';

import { STORE } from '../../support/synthesized';
import { thrownBy } from '../../support/thrown';

const model = GlmModel.CHATGLM3_6B;
const hub = (options: HubSourceOptions = {}) => WeightSource.huggingFace(model, { revision: 'v1.0', ...options });
const weights = (source: WeightSource, props: object = {}) => Artifact.downloadedInPod({ store: STORE, model, source, ...props });
const PLAIN = weights(hub());

test('the directory is the name and the lineage, and the same path in every pod', () => {
  expect(PLAIN.directory).toBe(`chatglm3-6b-${PLAIN.lineage}`);
  expect(PLAIN.path).toBe(`/artifacts/store/chatglm3-6b-${PLAIN.lineage}`);
  expect(PLAIN.marked).toBe(true);
  expect(PLAIN.bytes).toBe(model.weightsBytes);
});

test.each<[string, Artifact]>([
  ['mirror', weights(hub({ endpoint: 'https://hf-mirror.com' }))],
  ['runtime whose guide is followed', weights(hub({ runtime: 'mindformers' }))],
  ['store', weights(hub(), { store: { ...STORE, storeName: 'other' } })],
  ['trust in what comes', weights(hub({ trustOnFirstUse: true }))],
  ['number of connections', weights(hub(), { connections: 2, verify: true, jsonProgress: true })],
  ['mirror that is tried before', weights(hub(), { mirrors: [WeightSource.directory(STORE, 'mnt/nfs')] })],
])('another %s makes no other directory', (_, other) => {
  expect(other.directory).toBe(PLAIN.directory);
});

test.each<[string, Artifact]>([
  ['revision', weights(hub({ revision: 'v1.1' }))],
  ['repository', weights(hub({ repository: 'ours/chatglm3-6b' }))],
  ['hub', weights(WeightSource.modelScope(model, { revision: 'v1.0' }))],
  ['format', weights(hub(), { format: ArtifactFormat.MINDSPORE })],
  ['set of files', weights(hub(), { include: ['*'] })],
  ['set of files that are left out', weights(hub(), { exclude: ['*.md'] })],
])('another %s makes another directory', (_, other) => {
  expect(other.directory).not.toBe(PLAIN.directory);
});

test('what is made of changed inputs is changed too', () => {
  const made = (input: Artifact) => Artifact._produced('tuned', STORE, ArtifactFormat.MINDSPORE_SHARDS, { inputs: [input.lineage] });

  expect(made(PLAIN).directory).toBe(made(weights(hub())).directory);
  expect(made(PLAIN).directory).not.toBe(made(weights(hub({ revision: 'v1.1' }))).directory);
});

test('an existing directory is taken as it is', () => {
  const artifact = Artifact.existing({ store: STORE, directory: 'models/chatglm3-6b', format: ArtifactFormat.BMODEL });

  expect(artifact).toMatchObject({ directory: 'models/chatglm3-6b', path: '/artifacts/store/models/chatglm3-6b', marked: false });
});

test.each(['', '/models', '../models', 'models/../..', './models', 'models//x', 'models/'])('\'%s\' is no directory of a store', (directory) => {
  expect(thrownBy(() => Artifact.existing({ store: STORE, directory, format: ArtifactFormat.BMODEL }))).toBe(
    `'directory' of an existing artifact must be a path inside the store, like 'models/chatglm3-6b', got '${directory}'`,
  );
});

test('nothing is downloaded to a store that nobody may write to', () => {
  expect(thrownBy(() => weights(hub(), { store: { ...STORE, readOnly: true } }))).toBe('\'store\' store is read-only; chatglm3-6b cannot be downloaded to it');
});

test('a format that does not fit is refused with what to do', () => {
  expect(thrownBy(() => { PLAIN._require([ArtifactFormat.MINDSPORE, ArtifactFormat.BMODEL], 'weights', 'convert it'); })).toBe(
    `'weights' must hold mindspore or bmodel, got huggingface (${PLAIN.directory}); convert it`,
  );
});

test('formats are compared by name', () => {
  expect(() => { PLAIN._require([ArtifactFormat.custom('huggingface')], 'weights', 'convert it'); }).not.toThrow();
});

test.each(['', 'Hugging', 'a_b', '-a', 'a--b'])('\'%s\' is no name of a format', (name) => {
  expect(thrownBy(() => ArtifactFormat.custom(name))).toBe(`an artifact format must be kebab-case, like 'mindspore-shards', got '${name}'`);
});
