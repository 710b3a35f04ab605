import { ArtifactFormat, Platform, WeightSource } from 'cdk8s-chatglm';

import { Artifact } from '../../../lib/artifacts/artifact';
import { downloadTask } from '../../../lib/artifacts/download-task';
import { chartWith, STORE } from '../../support/synthesized';
import { thrownBy } from '../../support/thrown';

const source = WeightSource.directory(STORE, 'mnt/adgen');
const adgen = Artifact._produced('adgen', STORE, ArtifactFormat.DATASET, { source: source._identity });
const download = { sources: [source], include: [], exclude: [], require: ['train.json'], bytes: 2 ** 30 };
const platform = Platform.of(chartWith({}));

test('a download in a pod of its own is restricted, asks for little, and writes the artifact', () => {
  const task = downloadTask(adgen, download, platform);

  expect(task).toMatchObject({
    name: 'download', image: 'docker.io/library/python:3.12.7-slim-bookworm', inputs: [], output: adgen,
    fragment: { scripts: ['fetch_weights'], requests: { cpu: '1', memory: '256Mi' }, limits: { memory: '1Gi' }, env: [], volumes: [], mounts: [] },
  });
  expect(task.security.name).toBe('restricted');
  expect(task.command).toEqual([
    'python3', '/opt/cdk8s-chatglm/fetch_weights.py', '--target', adgen.path, '--name', 'adgen', '--lineage', adgen.lineage, '--format', 'dataset',
    '--source', '{"kind":"directory","path":"/artifacts/store/mnt/adgen"}', '--require', 'train.json', '--deadline', '3908',
  ]);
});

test('an image that moves is refused', () => {
  expect(thrownBy(() => downloadTask(adgen, download, platform, 'python:latest'))).toBe('\'image\' must be pinned by a full tag or a digest, got \'python:latest\'');
});
