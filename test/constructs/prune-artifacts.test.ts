import { Chart, Duration, Size, Testing } from 'cdk8s';
import { Cpu, EnvValue } from 'cdk8s-plus-27';

import {
  Accelerator, ArtifactFormat, DevicePlugin, EnvPreset, GlmModel, InferenceDeployment, MindFormersVersion, PruneArtifacts, type PruneArtifactsProps, Runtime, SecurityLevel,
} from 'cdk8s-chatglm';

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

describe('what servers read stays', () => {
  const [weights, tree] = [artifact(ArtifactFormat.MINDSPORE, 'merged'), artifact(ArtifactFormat.SOURCE_TREE, 'mindformers')];
  const pruning = (keep: PruneArtifactsProps['keep'], remove: boolean, namespace = 'llm') => messageOf(() => {
    const app = Testing.app();
    const chart = new Chart(app, 'test', { namespace: 'llm' });
    const runtime = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree: tree });
    const devicePlugin = DevicePlugin.mindCluster({ version: '26.0' });
    new InferenceDeployment(chart, 'chat', { model: GlmModel.CHATGLM3_6B, runtime, weights, accelerator: Accelerator.ASCEND_910B3, devicePlugin });
    new PruneArtifacts(new Chart(app, 'clearing', { namespace }), 'prune', { store: STORE, keep, remove });
    app.synth();
  });

  test('the source tree as well', () => {
    expect(pruning([weights], true)).toBe('Validation failed with the following errors:\n'
      + '  [clearing/prune] \'keep\' lacks mindformers, which test/chat reads whenever a pod of it starts; add it, or remove the server first');
  });

  test.each<[string, Parameters<typeof pruning>]>([
    ['where all is kept', [[weights, tree], true]],
    ['in a dry run', [[weights], false]],
    ['from a claim of another namespace', [[weights], true, 'other']],
  ])('and nothing is said %s', (_where, given) => {
    expect(pruning(...given)).toBeUndefined();
  });
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
