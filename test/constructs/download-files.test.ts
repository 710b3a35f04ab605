import type { V1PodSpec } from '@kubernetes/client-node';
import { Duration, Size } from 'cdk8s';
import { Cpu, EnvValue } from 'cdk8s-plus-27';
import { ArtifactFormat, DownloadFiles, type DownloadFilesProps, EnvPreset, SecurityLevel, WeightSource } from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { reachManifest } from '../support/every-prop';
import { chartWith, only, STORE, synthesized } from '../support/synthesized';

const FILES: DownloadFilesProps = { store: STORE, source: WeightSource.directory(STORE, 'mnt/adgen'), format: ArtifactFormat.DATASET };

function job(props: Partial<DownloadFilesProps> = {}): KubernetesObject {
  const chart = chartWith({});
  new DownloadFiles(chart, 'adgen', { ...FILES, ...props });
  return only(synthesized(chart), 'Job');
}

const POD = 'spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const words = (...expected: unknown[]): unknown => expect.arrayContaining(expected);

describe('every prop reaches the manifest', () => {
  reachManifest<DownloadFilesProps>({
    store: { props: { store: { ...STORE, storeName: 'data' } }, reaches: { [`${MAIN}.volumeMounts[1].mountPath`]: '/artifacts/data' } },
    source: {
      props: { source: WeightSource.archive({ url: 'https://data.example/adgen.tar.gz', trustOnFirstUse: true, stripComponents: 1 }) },
      reaches: { [`${MAIN}.command`]: words('{"kind":"archive","url":"https://data.example/adgen.tar.gz","trustOnFirstUse":true,"stripComponents":1}') },
    },
    format: { props: { format: ArtifactFormat.custom('mindrecord') }, reaches: { [`${MAIN}.command`]: words('--format', 'mindrecord') } },
    size: { props: { size: Size.gibibytes(100) }, reaches: { [`${MAIN}.command`]: words('--deadline', String(3 * 100 * 1024 / 10 + 3600)) } },
    artifactName: { props: { artifactName: 'ad-gen' }, reaches: { [`${MAIN}.command`]: words('--name', 'ad-gen') } },
    require: { props: { require: ['train.json', 'dev.json'] }, reaches: { [`${MAIN}.command`]: words('--require', 'train.json', 'dev.json') } },
    connections: { props: { connections: 2 }, reaches: { [`${MAIN}.command`]: words('--connections', '2') } },
    rateLimit: { props: { rateLimit: Size.mebibytes(20) }, reaches: { [`${MAIN}.command`]: words('--rate-limit', '20971520') } },
    verify: { props: { verify: true }, reaches: { [`${MAIN}.command`]: words('--verify') } },
    jsonProgress: { props: { jsonProgress: true }, reaches: { [`${MAIN}.command`]: words('--progress', 'json') } },
    mirrors: {
      props: { mirrors: [WeightSource.directory(STORE, 'mnt/near')] },
      reaches: { [`${MAIN}.command`]: words('{"kind":"directory","path":"/artifacts/store/mnt/near"}', '{"kind":"directory","path":"/artifacts/store/mnt/adgen"}') },
    },
    image: { props: { image: 'registry.corp.example/python:3.11' }, reaches: { [`${MAIN}.image`]: 'registry.corp.example/python:3.11' } },
    backoffLimit: { props: { backoffLimit: 2 }, reaches: { 'spec.backoffLimit': 2 } },
    ttlAfterFinished: { props: { ttlAfterFinished: Duration.minutes(1) }, reaches: { 'spec.ttlSecondsAfterFinished': 60 } },
    presets: {
      props: { presets: [EnvPreset.custom({ name: 'python', variables: { PYTHONFAULTHANDLER: { value: '1', purpose: 'a traceback when it crashes' } } })] },
      reaches: { [`${MAIN}.env[0].name`]: 'PYTHONFAULTHANDLER' },
    },
    env: { props: { env: { TZ: EnvValue.fromValue('UTC') } }, reaches: { [`${MAIN}.env[3].value`]: 'UTC' } },
    cpu: { props: { cpu: Cpu.millis(250) }, reaches: { [`${MAIN}.resources.requests.cpu`]: '250m' } },
    memory: { props: { memory: Size.mebibytes(512) }, reaches: { [`${MAIN}.resources.requests.memory`]: '512Mi' } },
    nodeSelector: { props: { nodeSelector: { network: 'fast' } }, reaches: { [`${POD}.nodeSelector.network`]: 'fast' } },
    tolerations: { props: { tolerations: [{ key: 'infra' }] }, reaches: { [`${POD}.tolerations[0].key`]: 'infra' } },
    priorityClassName: { props: { priorityClassName: 'low' }, reaches: { [`${POD}.priorityClassName`]: 'low' } },
    serviceAccountName: { props: { serviceAccountName: 'downloads' }, reaches: { [`${POD}.serviceAccountName`]: 'downloads' } },
    podLabels: { props: { podLabels: { egress: 'yes' } }, reaches: { 'spec.template.metadata.labels.egress': 'yes' } },
    podAnnotations: { props: { podAnnotations: { note: 'x' } }, reaches: { 'spec.template.metadata.annotations.note': 'x' } },
    security: { props: { security: SecurityLevel.NON_ROOT }, reaches: { [`${MAIN}.securityContext.readOnlyRootFilesystem`]: undefined } },
  }, job);
});

test('what it makes is called like the construct and downloaded whole', () => {
  const chart = chartWith({});
  const { artifact } = new DownloadFiles(chart, 'adgen', FILES);
  const { command } = (only(synthesized(chart), 'Job').spec as { template: { spec: V1PodSpec } }).template.spec.containers[0]!;

  expect([artifact.name, artifact.format.name, artifact.marked]).toEqual(['adgen', 'dataset', true]);
  expect(command).toEqual([
    'python3', '/opt/cdk8s-chatglm/fetch_weights.py', '--target', artifact.path, '--name', 'adgen', '--lineage', artifact.lineage, '--format', 'dataset',
    '--source', '{"kind":"directory","path":"/artifacts/store/mnt/adgen"}', '--deadline', '3908',
  ]);
});
