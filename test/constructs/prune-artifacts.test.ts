import { Duration, Size } from 'cdk8s';
import { Cpu, EnvValue } from 'cdk8s-plus-27';

import { ArtifactFormat, EnvPreset, PruneArtifacts, type PruneArtifactsProps, SecurityLevel } from 'cdk8s-chatglm';

import { reachManifest } from '../support/every-prop';

import { artifact, chartWith, only, STORE, synthesized } from '../support/synthesized';
import { messageOf } from '../support/bad-input';

const KEPT = artifact(ArtifactFormat.DATASET, 'adgen');

function prune(props: Partial<PruneArtifactsProps> = {}) {
  const chart = chartWith();
  new PruneArtifacts(chart, 'prune', { store: STORE, keep: [KEPT], ...props });
  return only(synthesized(chart), 'Job');
}

function container(props: Partial<PruneArtifactsProps> = {}) {
  const job = prune(props) as unknown as { spec: { template: { spec: { containers: [{ command: string[]; volumeMounts: object[] }] } } } };
  return job.spec.template.spec.containers[0];
}

test('a prune is a dry run on a read-only store unless told otherwise', () => {
  const dry = container();

  expect(dry.command).toEqual(['python3', '/opt/cdk8s-chatglm/prune_artifacts.py', '--store', '/artifacts/store', '--keep', 'adgen']);
  expect(dry.volumeMounts).toContainEqual({ name: 'store-store', mountPath: '/artifacts/store', readOnly: true });
});

test('a real prune may write and says so', () => {
  const real = container({ remove: true, minimumAge: Duration.hours(2) });

  expect(real.command.slice(-3)).toEqual(['--min-age', '7200', '--delete']);
  expect(real.volumeMounts).toContainEqual({ name: 'store-store', mountPath: '/artifacts/store' });
});

test.each([
  [{ keep: [] }, '[test/prune] \'keep\' is empty, so everything on the store \'store\' would go; name the artifacts that are in use'],
  [{ store: { ...STORE, readOnly: true } }, '[test/prune] \'store\' store is read-only; nothing can be removed from it'],
  [
    { store: { ...STORE, volumeSource: { persistentVolumeClaim: { claimName: 'other' } } } },
    '[test/prune] \'keep\' has adgen, which is on another store (\'store\' {"persistentVolumeClaim":{"claimName":"claim"}}) than the one to prune (\'store\' {"persistentVolumeClaim":{"claimName":"other"}})',
  ],
  [{ store: { ...STORE, podLocal: true } }, '[test/prune] the store \'store\' is another one on every node or in every pod, so a Job cannot prune it'],
  [{ image: 'python' }, '[test/prune] \'image\' must be pinned by a full tag or a digest, got \'python\''],
])('a prune with %j is refused', (props, message) => {
  expect(messageOf(() => prune(props))).toBe(message);
});

const POD = 'spec.template.spec';
const MAIN = `${POD}.containers[0]`;
const words = (...expected: unknown[]): unknown => expect.arrayContaining(expected);

describe('every prop reaches the manifest', () => {
  reachManifest<PruneArtifactsProps>({
    store: {
      given: { keep: [] }, props: { store: STORE, keep: [KEPT] },
      lifts: '[test/prune] \'keep\' is empty, so everything on the store \'store\' would go; name the artifacts that are in use',
      reaches: { [`${POD}.volumes[0].persistentVolumeClaim.claimName`]: 'claim' },
    },
    keep: { props: { keep: [KEPT, artifact(ArtifactFormat.BMODEL, 'glm3')] }, reaches: { [`${MAIN}.command`]: words('--keep', 'adgen', 'glm3') } },
    remove: { props: { remove: true }, reaches: { [`${MAIN}.command`]: words('--delete') } },
    minimumAge: { props: { minimumAge: Duration.days(7) }, reaches: { [`${MAIN}.command`]: words('--min-age', '604800') } },
    presets: {
      props: { presets: [EnvPreset.custom({ name: 'python', variables: { PYTHONFAULTHANDLER: { value: '1', purpose: 'a traceback when it crashes' } } })] },
      reaches: { [`${MAIN}.env[0].name`]: 'PYTHONFAULTHANDLER' },
    },
    env: { props: { env: { TZ: EnvValue.fromValue('UTC') } }, reaches: { [`${MAIN}.env[3].value`]: 'UTC' } },
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
  }, prune);
});
