// A synthesized AscendJob on the real node: its Scheduler and Worker, from downloads to checkpoints, and how it fails.
import { Size } from 'cdk8s';
import { EnvValue } from 'cdk8s-plus-27';
import {
  Accelerator, ArtifactFormat, DevicePlugin, DownloadFiles, DownloadWeights, FinetuneJob, GlmModel, MindFormersVersion, ModelStore, NodeType, Platform, Runtime, Scheduler,
  WeightSource, WorkloadKind,
} from '../../index';
import { inside } from './support/cluster';
import { Hub } from './support/hub';
import { type Manifest, onRealNode } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { synthesize } from './support/synthesize';

let namespace: TestNamespace;
let hub: Hub;
beforeAll(async () => {
  namespace = await TestNamespace.create('ascend-job');
  hub = await Hub.start(namespace);
});
afterAll(() => namespace.delete());

/** A fine-tune of 8 devices in an AscendJob, with the downloads of all that it reads; `env` is the stub's. */
const finetune = (id: string, backoffLimit: number, env: Record<string, string> = {}): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, {
    nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })], scheduler: Scheduler.volcano({ queue: 'llm' }),
  });
  const store = new ModelStore(chart, 'store', { size: Size.gibibytes(400), storageClassName: 'nfs' });
  const model = GlmModel.CHATGLM3_6B;
  const file = (path: string) => ({ url: `${hub.url}/link/example.com/${path}` });
  const archive = (path: string) => WeightSource.archive({ ...file(path), stripComponents: 1, trustOnFirstUse: true });
  const tree = new DownloadFiles(chart, 'tree', { store, format: ArtifactFormat.SOURCE_TREE, source: archive('mindformers.tar.gz') });
  const dataset = new DownloadFiles(chart, 'data', { store, format: ArtifactFormat.DATASET, source: archive('AdvertiseGen?dl=1') });
  const checkpoint = new DownloadWeights(chart, 'weights', {
    store, model, format: ArtifactFormat.MINDSPORE, source: WeightSource.http({ files: [file('glm3_6b.ckpt'), file('tokenizer.model')], trustOnFirstUse: true }),
  });
  new FinetuneJob(chart, id, {
    model, checkpoint: checkpoint.artifact, dataset: dataset.artifact, backoffLimit,
    runtime: Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree: tree.artifact }),
    accelerator: Accelerator.ASCEND_910B3, devicesPerNode: 8, workload: WorkloadKind.ASCEND_JOB,
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, EnvValue.fromValue(value)])),
  });
}).map(onRealNode);

const ascendJobOf = (objects: readonly Manifest[]): string => objects.find(({ kind }) => kind === 'AscendJob')?.metadata.name ?? '';
const endOf = (job: string): Promise<string> => namespace.eventuallyHas('ascendjob', job, '{.status.conditions[-1:].type}', /^(Succeeded|Failed)$/, 80);
const logOf = (pod: string): Promise<string> => namespace.kubectl('logs', pod, '-c', 'ascend', '--tail=-1');
const onNode = (command: string) => inside('sh', ['-c', `cd "\${KUBECONFIG%/*}/volumes/$1" && ${command}`, 'sh', `${namespace.name}-test-store`]);

test('8 ranks meet at the Scheduler without a rank table, train, and leave a complete artifact', async () => {
  const objects = finetune('tuned', 0);
  await namespace.apply(objects);
  const job = ascendJobOf(objects);
  expect(await endOf(job)).toBe('Succeeded');
  expect(await logOf(`${job}-worker-0`)).toMatch(/progress: step 5\/5 \(100\.0 %\)[^]*every rank ended with 0/);
  expect(await logOf(`${job}-scheduler-0`)).toMatch(/starting scheduler of 8: [^]*every rank ended with 0/);
  const scheduler = await namespace.get('pod', `${job}-scheduler-0`);
  expect(scheduler.spec.containers[0].resources).toEqual({ requests: { cpu: '1', memory: '2Gi' } });
  const { stdout } = await onNode('ls -d tuned-*/.cdk8s-chatglm.json tuned-*/checkpoint/*/*.ckpt');
  expect(stdout.replaceAll(/tuned-[0-9a-f]+/g, 'tuned')).toBe(
    ['.cdk8s-chatglm.json', ...[0, 1, 2, 3, 4, 5, 6, 7].map((rank) => `checkpoint/rank_${String(rank)}/glm3-6b_rank_${String(rank)}-1_5.ckpt`)].map((path) => `tuned/${path}\n`).join(''),
  );
}, 150_000);

test('a rank that fails for good fails the AscendJob, with its exit code and no artifact', async () => {
  const objects = finetune('broken', 0, { STUB_FAIL_RANK: '5:2:25' });
  await namespace.apply(objects);
  const job = ascendJobOf(objects);
  expect(await endOf(job)).toBe('Failed');
  const description = await namespace.kubectl('describe', 'pod', `${job}-worker-0`);
  expect(description).toMatch(/Message: [^]*rank 5[^]*\n +Exit Code: +25\n/);
  expect((await onNode('ls broken-*/.cdk8s-chatglm.json')).code).not.toBe(0);
}, 150_000);
