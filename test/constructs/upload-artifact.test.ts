import { Chart, Duration, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue, Secret } from 'cdk8s-plus-27';

import { Artifact, ArtifactFormat, DownloadWeights, EnvPreset, GlmModel, SecurityLevel, UploadArtifact, type UploadArtifactProps, WeightSource } from 'cdk8s-chatglm';

import { reachManifest } from '../support/every-prop';
import { artifact, chartWith, STORE, synthesized } from '../support/synthesized';
import { messageOf } from '../support/bad-input';

const ENDPOINT = 'https://obs.cn-north-4.myhuaweicloud.com';

function upload(props: Partial<UploadArtifactProps> = {}) {
  const chart = chartWith();
  const weights = new DownloadWeights(chart, 'weights', {
    store: STORE, model: GlmModel.CHATGLM2_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { runtime: 'atb-models' }),
  });
  const credentialsSecret = Secret.fromSecretName(chart, 'credentials', 'obs');
  new UploadArtifact(chart, 'upload', { artifact: weights.artifact, endpoint: ENDPOINT, bucket: 'models', credentialsSecret, ...props });
  const job = synthesized(chart).find(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('test-upload-'))!;
  return { job, weights: weights.artifact };
}

test('an upload waits for the artifact and takes its keys from the Secret', () => {
  const { job, weights } = upload();

  expect(job).toMatchObject({
    spec: { template: { spec: {
      initContainers: [{ name: 'copy-scripts' }, { name: 'wait-for-artifacts', command: expect.arrayContaining(['--artifact', weights.path]) as unknown }],
      containers: [{
        name: 'upload',
        command: [
          'python3', '/opt/cdk8s-chatglm/upload_artifact.py', '--artifact', weights.path, '--endpoint', ENDPOINT, '--bucket', 'models', '--prefix', weights.directory,
          '--access-key-env', 'STORE_ACCESS_KEY', '--secret-key-env', 'STORE_SECRET_KEY',
        ],
        env: expect.arrayContaining([
          { name: 'STORE_ACCESS_KEY', valueFrom: { secretKeyRef: { name: 'obs', key: 'accessKey' } } },
          { name: 'STORE_SECRET_KEY', valueFrom: { secretKeyRef: { name: 'obs', key: 'secretKey' } } },
        ]) as unknown,
        volumeMounts: expect.arrayContaining([{ name: 'store-store', mountPath: '/artifacts/store', readOnly: true }]) as unknown,
      }],
    } } },
  });
});

test('prefix and region reach the command', () => {
  const { job } = upload({ prefix: 'tuned/v1', region: 'cn-north-4' });

  expect(JSON.stringify(job)).toContain('"--prefix","tuned/v1","--region","cn-north-4"');
});

test('a bucket with dots goes into the path where the store takes it there', () => {
  const { job } = upload({ bucket: 'my.models', virtualHosted: false });

  expect(JSON.stringify(job)).toContain('"--addressing","path"');
});

test.each([
  [{ endpoint: 'obs.example' }, '[test/upload] \'endpoint\' must be an http or https URL, got \'obs.example\''],
  [{ bucket: 'my.models' }, '[test/upload] \'bucket\' has dots, so no certificate covers the host my.models.obs.cn-north-4.myhuaweicloud.com, got \'my.models\'; use a bucket without dots, or set \'virtualHosted\' to false if the store takes the bucket in the path'],
  [{ bucket: 'My_Bucket' }, '[test/upload] \'bucket\' must be a bucket\'s name, got \'My_Bucket\''],
  [
    { artifact: artifact(ArtifactFormat.DATASET, 'adgen') },
    '[test/upload] \'artifact\' adgen has no marker that lists its files; upload what a construct of this library made, or set \'marked\' if it has one',
  ],
])('an upload with %j is refused', (props, message) => {
  expect(messageOf(() => upload(props))).toBe(message);
});

const POD = 'spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const words = (...expected: unknown[]): unknown => expect.arrayContaining(expected);

describe('every prop reaches the manifest', () => {
  reachManifest<UploadArtifactProps>({
    artifact: {
      props: { artifact: Artifact.existing({ store: STORE, directory: 'adgen', format: ArtifactFormat.DATASET, marked: true }) },
      reaches: { [`${MAIN}.command`]: words('--artifact', '/artifacts/store/adgen', '--prefix', 'adgen') },
    },
    endpoint: { props: { endpoint: 'https://minio.corp.example' }, reaches: { [`${MAIN}.command`]: words('--endpoint', 'https://minio.corp.example') } },
    bucket: { props: { bucket: 'tuned' }, reaches: { [`${MAIN}.command`]: words('--bucket', 'tuned') } },
    credentialsSecret: {
      props: { credentialsSecret: Secret.fromSecretName(new Chart(Testing.app(), 'secrets'), 'minio', 'minio') },
      reaches: { [`${MAIN}.env[0].valueFrom.secretKeyRef.name`]: 'minio', [`${MAIN}.env[1].valueFrom.secretKeyRef.name`]: 'minio' },
    },
    prefix: { props: { prefix: 'tuned/v1' }, reaches: { [`${MAIN}.command`]: words('--prefix', 'tuned/v1') } },
    virtualHosted: { props: { virtualHosted: true }, reaches: { [`${MAIN}.command`]: words('--addressing', 'virtual') } },
    region: { props: { region: 'cn-north-4' }, reaches: { [`${MAIN}.command`]: words('--region', 'cn-north-4') } },
    presets: {
      props: { presets: [EnvPreset.custom({ name: 'python', variables: { PYTHONFAULTHANDLER: { value: '1', purpose: 'a traceback when it crashes' } } })] },
      reaches: { [`${MAIN}.env[2].name`]: 'PYTHONFAULTHANDLER' },
    },
    env: { props: { env: { TZ: EnvValue.fromValue('UTC') } }, reaches: { [`${MAIN}.env[5].value`]: 'UTC' } },
    cpu: { props: { cpu: Cpu.units(3) }, reaches: { [`${MAIN}.resources.requests.cpu`]: '3' } },
    memory: { props: { memory: Size.mebibytes(512) }, reaches: { [`${MAIN}.resources.requests.memory`]: '512Mi' } },
    nodeSelector: { props: { nodeSelector: { zone: 'a' } }, reaches: { [`${POD}.nodeSelector.zone`]: 'a' } },
    tolerations: { props: { tolerations: [{ key: 'infra' }] }, reaches: { [`${POD}.tolerations[0].key`]: 'infra' } },
    priorityClassName: { props: { priorityClassName: 'low' }, reaches: { [`${POD}.priorityClassName`]: 'low' } },
    serviceAccountName: { props: { serviceAccountName: 'jobs' }, reaches: { [`${POD}.serviceAccountName`]: 'jobs' } },
    podLabels: { props: { podLabels: { team: 'ml' } }, reaches: { 'spec.template.metadata.labels.team': 'ml' } },
    podAnnotations: { props: { podAnnotations: { note: 'x' } }, reaches: { 'spec.template.metadata.annotations.note': 'x' } },
    security: { props: { security: SecurityLevel.NON_ROOT }, reaches: { [`${MAIN}.securityContext.readOnlyRootFilesystem`]: undefined } },
    image: { props: { image: 'registry.corp.example/python:3.11' }, reaches: { [`${MAIN}.image`]: 'registry.corp.example/python:3.11' } },
    backoffLimit: { props: { backoffLimit: 1 }, reaches: { 'spec.backoffLimit': 1 } },
    ttlAfterFinished: { props: { ttlAfterFinished: Duration.hours(1) }, reaches: { 'spec.ttlSecondsAfterFinished': 3600 } },
  }, (props) => upload(props).job);
});
