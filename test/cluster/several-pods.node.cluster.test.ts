// Fine-tunes of two pods on the real node, in every kind that has several: they meet, lose a pod in the middle, meet again, go on and complete.
import { Size } from 'cdk8s';
import { EnvValue } from 'cdk8s-plus-27';
import {
  Accelerator, ArtifactFormat, DevicePlugin, DownloadFiles, DownloadWeights, FinetuneJob, GlmModel, MindFormersVersion, ModelStore, NodeType, Platform, Runtime, Scheduler,
  WeightSource, WorkloadKind,
} from '../../index';
import { inside } from './support/cluster';
import { eventually } from './support/eventually';
import { Hub } from './support/hub';
import { type Manifest, onRealNode } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { synthesize } from './support/synthesize';

const STEPS = 40;
interface Kind { readonly workload: WorkloadKind; readonly devicesPerNode: number }
const KINDS: Readonly<Record<string, Kind>> = {
  indexed: { workload: WorkloadKind.INDEXED_JOB, devicesPerNode: 2 },
  volcano: { workload: WorkloadKind.VOLCANO_JOB, devicesPerNode: 1 },
  ascend: { workload: WorkloadKind.ASCEND_JOB, devicesPerNode: 1 },
};
const ranksOf = (id: string): number => 2 * KINDS[id]!.devicesPerNode;

/** One fine-tune of two pods in every kind, with the downloads of all that they read. */
const finetunes = (url: string): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, {
    nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })], scheduler: Scheduler.volcano({ queue: 'llm' }),
  });
  const store = new ModelStore(chart, 'store', { size: Size.gibibytes(400), storageClassName: 'nfs' });
  const model = GlmModel.CHATGLM3_6B;
  const file = (path: string) => ({ url: `${url}/link/example.com/${path}` });
  const archive = (path: string) => WeightSource.archive({ ...file(path), stripComponents: 1, trustOnFirstUse: true });
  const tree = new DownloadFiles(chart, 'tree', { store, format: ArtifactFormat.SOURCE_TREE, source: archive('mindformers.tar.gz') });
  const dataset = new DownloadFiles(chart, 'data', { store, format: ArtifactFormat.DATASET, source: archive('AdvertiseGen?dl=1') });
  const checkpoint = new DownloadWeights(chart, 'weights', {
    store, model, format: ArtifactFormat.MINDSPORE, source: WeightSource.http({ files: [file('glm3_6b.ckpt'), file('tokenizer.model')], trustOnFirstUse: true }),
  });
  for (const [id, kind] of Object.entries(KINDS)) {
    new FinetuneJob(chart, id, {
      model, checkpoint: checkpoint.artifact, dataset: dataset.artifact, ...kind, nodes: 2, saveSteps: 4,
      runtime: Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree: tree.artifact }), accelerator: Accelerator.ASCEND_910B3,
      env: { STUB_STEPS: EnvValue.fromValue(String(STEPS)), STUB_STEP_SECONDS: EnvValue.fromValue('0.5') },
    });
  }
}).map(onRealNode);

let namespace: TestNamespace;
let objects: Manifest[];
let firstPods: Record<string, Manifest>;
beforeAll(async () => {
  namespace = await TestNamespace.create('several');
  const hub = await Hub.start(namespace);
  objects = finetunes(hub.url);
  await namespace.apply(objects);
  firstPods = Object.fromEntries(await Promise.all(Object.keys(KINDS).map(async (id) => [id, await loseSecondPod(id)] as const)));
}, 300_000);
afterAll(() => namespace.delete());

const jobOf = (id: string): string => objects.find(({ metadata }) => new RegExp(`^test-${id}-[0-9a-f]{8}$`).test(metadata.name))!.metadata.name;
const podsOf = async (id: string): Promise<Manifest[]> => (await namespace.list('pods', `app.kubernetes.io/instance=test-${id}`))
  .filter(({ metadata: { name } }) => /-(worker-)?[01](-\w+)?$/.test(name) && !name.includes('-scheduler-')).sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1);
const onNode = async (command: string): Promise<string> => (await inside('sh', ['-c', `cd "\${KUBECONFIG%/*}/volumes/${namespace.name}-test-store" && ${command}`])).stdout;

/** Waits until both pods have finished a step that is saved, then deletes the second without a word; returns the first. */
async function loseSecondPod(id: string): Promise<Manifest> {
  const [first, second] = await eventually(`finished steps of ${id}`, async () => {
    const finished = await onNode(`ls -d ${id}-*/checkpoint/rank_*/.complete/*.ckpt`);
    return new Set(finished.match(/rank_\d/g)).size === ranksOf(id) ? podsOf(id) : undefined;
  }, 240) as [Manifest, Manifest];
  await namespace.kubectl('delete', 'pod', second.metadata.name, '--force', '--grace-period=0');
  return first;
}

const ENDS: Readonly<Record<string, () => Promise<string>>> = {
  indexed: () => namespace.endOfJob(jobOf('indexed'), 240),
  volcano: () => namespace.eventuallyHas('jobs.batch.volcano.sh', jobOf('volcano'), '{.status.state.phase}', /^(Completed|Failed|Aborted)$/, 240),
  ascend: () => namespace.eventuallyHas('ascendjob', jobOf('ascend'), '{.status.conditions[-1:].type}', /^(Succeeded|Failed)$/, 240),
};

/** The numbers that every rank has in its last checkpoint: each step has added 1, and the ranks share sixteen of them. */
async function lastNumbers(id: string): Promise<number[]> {
  const text = await onNode(`for rank in $(seq 0 ${String(ranksOf(id) - 1)}); do cat ${id}-*/checkpoint/rank_$rank/*-1_${String(STEPS)}.ckpt; echo; done`);
  return text.trim().split('\n').flatMap((line) => (JSON.parse(line) as Record<string, number[]>)['transformer.weight']!);
}

describe.each(Object.keys(KINDS))('%s', (id) => {
  test('loses a pod, meets again, goes on from the last step that all had finished, and completes', async () => {
    expect(await ENDS[id]!()).toMatch(/^(Complete|Completed|Succeeded)$/);
    const [pod] = await podsOf(id);
    const log = await namespace.kubectl('logs', String(pod?.metadata.name), '--tail=-1');
    expect(log).toMatch(new RegExp(`going on from epoch 1 step \\d+, finished by all ${String(ranksOf(id))} ranks`));
    expect(await lastNumbers(id)).toEqual(Array.from({ length: 16 }, (_, number) => number + STEPS));
    expect(await onNode(`ls ${id}-*/.cdk8s-chatglm.json`)).toMatch(/^\S+\n$/);
    if (id === 'indexed') { // the other kinds' controllers start all pods again
      expect(pod?.metadata.uid).toBe(firstPods[id]?.metadata.uid);
    }
  }, 300_000);
});
