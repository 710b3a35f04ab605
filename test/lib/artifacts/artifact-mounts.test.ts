import { Chart, Size, Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import { Artifact, ArtifactFormat, GlmModel, Platform, type PlatformProps, WeightSource } from 'cdk8s-chatglm';

import { artifactFragment } from '../../../lib/artifacts/artifact-mounts';
import { downloadDeadline } from '../../../lib/artifacts/download';
import { STORE } from '../../support/synthesized';
import { thrownBy } from '../../support/thrown';

const platform = (props: PlatformProps = {}) => Platform.attach(new Chart(Testing.app(), 'test'), props);
const OTHER = { ...STORE, storeName: 'other', volumeSource: { persistentVolumeClaim: { claimName: 'other' } } };
const existing = (directory: string, props: object = {}) => Artifact.existing({ store: STORE, directory, format: ArtifactFormat.DATASET, ...props });
const weights = (source = WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision: 'v1' })) => Artifact.downloadedInPod({ store: STORE, model: GlmModel.CHATGLM3_6B, source });

const MOUNT = { name: 'store-store', mountPath: '/artifacts/store' };

test('without artifacts a pod gets nothing', () => {
  expect(artifactFragment([], undefined, 'x:1', platform())).toEqual({ source: 'artifacts', volumes: [], mounts: [], initContainers: [], scripts: [] });
});

test('a store is mounted once, at its root, read-only for those who read', () => {
  const { volumes, mounts, initContainers } = artifactFragment([existing('a'), existing('b'), existing('c', { store: OTHER })], undefined, 'x:1', platform());

  expect(volumes).toEqual([
    { name: 'store-store', persistentVolumeClaim: { claimName: 'claim' } }, { name: 'store-other', persistentVolumeClaim: { claimName: 'other' } },
  ]);
  expect(mounts).toEqual([{ ...MOUNT, readOnly: true }, { name: 'store-other', mountPath: '/artifacts/other', readOnly: true }]);
  expect(initContainers).toEqual([]);
});

test('only the store of the output can be written', () => {
  const { mounts } = artifactFragment([existing('a'), existing('c', { store: OTHER })], existing('out'), 'x:1', platform());

  expect(mounts).toEqual([MOUNT, { name: 'store-other', mountPath: '/artifacts/other', readOnly: true }]);
});

test('a pod waits for the markers of all its inputs before it starts, and only reads them', () => {
  const { initContainers, scripts } = artifactFragment([existing('a', { marked: true }), existing('b', { marked: true, store: OTHER }), existing('unmarked')], undefined, 'x:1', platform());

  expect(scripts).toEqual(['wait_for_artifacts']);
  expect(initContainers).toEqual([{
    name: 'wait-for-artifacts', image: 'x:1', imagePullPolicy: 'IfNotPresent', terminationMessagePolicy: 'FallbackToLogsOnError',
    command: [
      'python3', '/opt/cdk8s-chatglm/wait_for_artifacts.py', '--artifact', '/artifacts/store/a', '--artifact', '/artifacts/other/b', '--timeout', '3600',
    ],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true, seccompProfile: { type: 'RuntimeDefault' } },
    volumeMounts: [{ ...MOUNT, readOnly: true }, { name: 'store-other', mountPath: '/artifacts/other', readOnly: true }],
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } },
  }]);
});

test('weights that the pod downloads are written by the init container and read by the main one', () => {
  const artifact = weights();
  const { initContainers = [], mounts, scripts } = artifactFragment([artifact], undefined, 'x:1', platform());

  expect(scripts).toEqual(['fetch_weights']);
  expect(mounts).toEqual([{ ...MOUNT, readOnly: true }]);
  expect(initContainers).toHaveLength(1);
  expect(initContainers[0]).toMatchObject({ name: 'download-chatglm3-6b', volumeMounts: [MOUNT] });
  expect(initContainers[0]?.command?.slice(0, 10)).toEqual([
    'python3', '/opt/cdk8s-chatglm/fetch_weights.py', '--target', artifact.path, '--name', 'chatglm3-6b', '--lineage', artifact.lineage, '--format', 'huggingface',
  ]);
  expect(initContainers[0]?.env).toBeUndefined();
});

test('a download may take three times what the rate promises, and an hour', () => {
  expect(downloadDeadline({ bytes: 100 * 2 ** 20 }, platform({ downloadRate: Size.mebibytes(1) }))).toBe(3900);
  expect(downloadDeadline({ bytes: 12487168064 }, platform())).toBe(7173);
  expect(downloadDeadline({ bytes: 12487168064, tuning: { rateLimit: Size.mebibytes(1) } }, platform())).toBe(39327);
});

test('proxy, private authority, mirror and token reach the download; the token only as a reference', () => {
  const secrets = new Chart(Testing.app(), 'secrets');
  const source = WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision: 'v1', tokenSecret: Secret.fromSecretName(secrets, 'hub', 'hub-token') });

  const { initContainers = [], volumes } = artifactFragment([weights(source)], undefined, 'x:1', platform({
    httpsProxy: 'http://proxy.corp.example:3128', noProxy: ['.corp.example'], caBundle: { configMapName: 'ca' }, huggingFaceEndpoint: 'https://hub.corp.example',
  }));

  expect(initContainers[0]?.env).toEqual([
    { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hub-token', key: 'token' } } },
    { name: 'HTTPS_PROXY', value: 'http://proxy.corp.example:3128' },
    { name: 'NO_PROXY', value: '.corp.example,localhost,127.0.0.1,.svc,.cluster.local' },
  ]);
  expect(volumes).toContainEqual({ name: 'ca-bundle', configMap: { name: 'ca' } });
  expect(initContainers[0]?.volumeMounts).toContainEqual({ name: 'ca-bundle', mountPath: '/etc/cdk8s-chatglm/ca', readOnly: true });
  const command = initContainers[0]?.command ?? [];
  expect(command.slice(command.indexOf('--ca-bundle'))).toEqual(['--ca-bundle', '/etc/cdk8s-chatglm/ca/ca.crt']);
  expect(JSON.parse(command[command.indexOf('--source') + 1]!)).toEqual({
    kind: 'huggingface', repository: 'THUDM/chatglm3-6b', revision: 'v1', tokenEnv: 'HF_TOKEN', endpoint: 'https://hub.corp.example',
  });
});

test('two stores of one name are refused, because they would be mounted at one path', () => {
  const twin = { ...STORE, volumeSource: { persistentVolumeClaim: { claimName: 'twin' } } };

  expect(thrownBy(() => artifactFragment([existing('a'), existing('b', { store: twin })], undefined, 'x:1', platform()))).toBe(
    'two different stores of one pod are called \'store\', and both would be mounted at /artifacts/store; give one another \'storeName\'',
  );
});

test('a pod does not wait for what it could never see', () => {
  const local = { ...STORE, podLocal: true };

  expect(thrownBy(() => artifactFragment([existing('a', { store: local, marked: true })], undefined, 'x:1', platform()))).toBe(
    'a is written by another pod, which the store \'store\' does not share; use Artifact.downloadedInPod, or a ModelStore',
  );
});
