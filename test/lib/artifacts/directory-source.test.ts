import { Testing } from 'cdk8s';

import { Artifact, GlmModel, type IArtifactStore, WeightSource } from 'cdk8s-chatglm';

import { artifactFragment } from '../../../lib/artifacts/artifact-mounts';
import { Platform } from '../../../lib/platform';
import { STORE } from '../../support/synthesized';

const NFS: IArtifactStore = { storeName: 'nfs', shared: true, readOnly: true, volumeSource: { nfs: { server: 'nfs.example', path: '/models' } } };
const PLATFORM = Platform.of(Testing.chart());

test('a directory of another store is mounted read-only where it is read, and only there', () => {
  const weights = Artifact.downloadedInPod({ store: STORE, model: GlmModel.CHATGLM2_6B, source: WeightSource.directory(NFS, 'chatglm2-6b') });

  const { volumes, mounts, initContainers } = artifactFragment([weights], undefined, 'example.com/image:1', PLATFORM);

  expect(volumes?.map(({ name }) => name)).toEqual(['store-store', 'store-nfs']);
  expect(mounts?.map(({ name }) => name)).toEqual(['store-store']);
  expect(initContainers?.[0]?.volumeMounts).toEqual([
    { name: 'store-store', mountPath: '/artifacts/store' }, { name: 'store-nfs', mountPath: '/artifacts/nfs', readOnly: true },
  ]);
  expect(initContainers?.[0]?.command).toContain('{"kind":"directory","path":"/artifacts/nfs/chatglm2-6b"}');
});
