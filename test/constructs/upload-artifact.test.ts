import { Secret } from 'cdk8s-plus-27';

import { ArtifactFormat, DownloadWeights, GlmModel, UploadArtifact, type UploadArtifactProps, WeightSource } from 'cdk8s-chatglm';

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

test.each([
  [{ endpoint: 'obs.example' }, '[test/upload] \'endpoint\' must be an http or https URL, got \'obs.example\''],
  [{ bucket: 'My_Bucket' }, '[test/upload] \'bucket\' must be a bucket\'s name, got \'My_Bucket\''],
  [
    { artifact: artifact(ArtifactFormat.DATASET, 'adgen') },
    '[test/upload] \'artifact\' adgen has no marker that lists its files; upload what a construct of this library made, or set \'marked\' if it has one',
  ],
])('an upload with %j is refused', (props, message) => {
  expect(messageOf(() => upload(props))).toBe(message);
});
