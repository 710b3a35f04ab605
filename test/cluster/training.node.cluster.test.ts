// The fine-tune example on the real node, from downloads to checkpoints, and what happens when things go wrong.
import { Size } from 'cdk8s';
import { Cpu, EnvValue, Secret } from 'cdk8s-plus-27';
import {
  Accelerator, ArtifactFormat, DevicePlugin, DownloadFiles, DownloadWeights, FinetuneJob, GlmModel, MindFormersVersion, ModelStore, NodeType, Platform, RankTable, Runtime,
  Scheduler, WeightSource, WorkloadKind,
} from '../../index';
import { inside } from './support/cluster';
import { eventually } from './support/eventually';
import { example } from './support/examples';
import { Hub } from './support/hub';
import { type Manifest, onRealNode, print } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { synthesize } from './support/synthesize';

let namespace: TestNamespace;
let hub: Hub;
beforeAll(async () => {
  namespace = await TestNamespace.create('training');
  hub = await Hub.start(namespace);
});
afterAll(() => namespace.delete());

const onNode = (claim: string, command: string) => inside('sh', ['-c', `cd "\${KUBECONFIG%/*}/volumes/${namespace.name}-${claim}" && ${command}`]);
const jobsOf = (objects: readonly Manifest[]): string[] => objects.filter(({ kind }) => kind === 'Job').map(({ metadata }) => metadata.name);

test('finetune-chatglm3-ascend downloads, waits, trains 8 ranks and leaves checkpoints that others may read', async () => {
  const objects = example('finetune-chatglm3-ascend').map((object) => onRealNode(hub.instead(object)));
  await namespace.apply(objects);
  const finetune = jobsOf(objects).find((name) => name.includes('-finetune-')) ?? '';
  expect(await namespace.endOfJob(finetune, 150)).toBe('Complete');
  const log = await namespace.kubectl('logs', `job/${finetune}`, '--all-containers', '--tail=-1');
  expect(log).toMatch(/progress: step 5\/5 \(100\.0 %\)/);
  const { stdout } = await onNode('finetune-chatglm3-ascend-store', 'ls -d finetune-*/.cdk8s-chatglm.json; ls finetune-*/checkpoint/; ls -l finetune-*/checkpoint/rank_7');
  expect(stdout).toMatch(/^finetune-[0-9a-f]+\/\.cdk8s-chatglm\.json\nrank_0\nrank_1\nrank_2\nrank_3\nrank_4\nrank_5\nrank_6\nrank_7\n[^]*-r[-w]-r--r-- .* glm3-6b_rank_7-1_5\.ckpt\n$/);
}, 200_000);

/** A fine-tune of 8 devices in a Volcano Job, whose rank table the operator writes; the stub's steps are `env`. */
const volcano = (id: string, env: Record<string, string>): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, {
    nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })], scheduler: Scheduler.volcano({ queue: 'llm' }),
  });
  const store = new ModelStore(chart, `${id}-store`, { size: Size.gibibytes(400), storageClassName: 'nfs' });
  const model = GlmModel.CHATGLM3_6B;
  const version = MindFormersVersion.COMMIT_3354237;
  const file = (url: string) => ({ url: `${hub.url}/link/example.com/${url}` });
  const tree = new DownloadFiles(chart, `${id}-tree`, {
    store, format: ArtifactFormat.SOURCE_TREE, source: WeightSource.archive({ ...file('mindformers.tar.gz'), stripComponents: 1, trustOnFirstUse: true }),
  });
  const dataset = new DownloadFiles(chart, `${id}-data`, {
    store, format: ArtifactFormat.DATASET, source: WeightSource.archive({ ...file('AdvertiseGen?dl=1'), stripComponents: 1, trustOnFirstUse: true }),
  });
  const checkpoint = new DownloadWeights(chart, `${id}-weights`, {
    store, model, format: ArtifactFormat.MINDSPORE,
    source: WeightSource.http({ files: [file('glm3_6b.ckpt'), file('tokenizer.model')], trustOnFirstUse: true }),
  });
  new FinetuneJob(chart, id, {
    model, checkpoint: checkpoint.artifact, dataset: dataset.artifact, runtime: Runtime.mindFormers({ version, sourceTree: tree.artifact }),
    accelerator: Accelerator.ASCEND_910B3, devicesPerNode: 8, workload: WorkloadKind.VOLCANO_JOB, rankTable: RankTable.OPERATOR,
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, EnvValue.fromValue(value)])),
  });
});

const volcanoJobOf = (objects: readonly Manifest[]): string => objects.find(({ apiVersion }) => apiVersion === 'batch.volcano.sh/v1alpha1')?.metadata.name ?? '';
const endOfVolcanoJob = (job: string): Promise<string> => namespace.eventuallyHas('jobs.batch.volcano.sh', job, '{.status.state.phase}', /^(Completed|Failed|Aborted)$/, 150);
const ringsOf = (job: string): Promise<string> => namespace.kubectl('get', 'configmap', `rings-config-${job}`, '-o', 'jsonpath={.data.hccl\\.json}');

test('a fine-tune in a Volcano Job trains with the operator\'s rank table', async () => {
  const objects = volcano('tuned', {}).map(onRealNode);
  await namespace.apply(objects);
  const job = volcanoJobOf(objects);
  expect(await endOfVolcanoJob(job)).toBe('Completed');
  expect(await namespace.kubectl('logs', `${job}-worker-0`, '--tail=-1')).toMatch(/progress: step 5\/5 \(100\.0 %\)/);
  expect(JSON.parse(await ringsOf(job))).toMatchObject({ status: 'completed', server_count: '1' });
}, 200_000);

// kubectl puts back what the manifest says, so the manifest must not say what the operator writes
test('a re-apply leaves the operator\'s rank table alone', async () => {
  const objects = volcano('applied', { STUB_STEPS: '100' }).map(onRealNode);
  await namespace.apply(objects);
  const job = volcanoJobOf(objects);
  await eventually('a completed rank table', async () => (/"status":"completed"/.test(await ringsOf(job)) ? true : undefined), 100);
  const table = await ringsOf(job);
  await namespace.apply(objects);
  const after = await ringsOf(job);
  await namespace.kubectl('delete', 'jobs.batch.volcano.sh', job);
  expect(after).toBe(table);
}, 150_000);

describe('a rank that fails for good', () => {
  let job: string;
  beforeAll(async () => {
    const objects = volcano('broken', { STUB_FAIL_RANK: '5:2:25' }).map(onRealNode);
    await namespace.apply(objects);
    job = volcanoJobOf(objects);
    expect(await endOfVolcanoJob(job)).toBe('Aborted');
  }, 200_000);

  test('aborts a Volcano Job at once, with its exit code', async () => {
    expect((await namespace.get('jobs.batch.volcano.sh', job)).status).toMatchObject({ retryCount: 0 });
    expect(await namespace.kubectl('describe', 'pod', `${job}-worker-0`)).toMatch(/Exit Code: +25\n/);
  });

  // run_task.py reports its own end over what launch.py reported
  test('is named by kubectl describe', async () => {
    expect(await namespace.kubectl('describe', 'pod', `${job}-worker-0`)).toMatch(/Message: +.*rank 5/);
  });
});

const secretOf = (token: string): string => `
apiVersion: v1
kind: Secret
metadata: {name: token-${token}}
data: {token: ${Buffer.from(token).toString('base64')}}
`;
const download = (id: string, token: string, cpu?: Cpu): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, {});
  new DownloadWeights(chart, id, {
    store: new ModelStore(chart, `${id}-store`, { size: Size.gibibytes(50), storageClassName: 'nfs' }),
    model: GlmModel.CHATGLM3_6B,
    source: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { repository: 'private/chatglm3-6b', revision: 'v1', trustOnFirstUse: true, endpoint: hub.url, tokenSecret: Secret.fromSecretName(chart, 'token', `token-${token}`) }),
    ...(cpu && { cpu }),
  });
});

test('a wrong token ends the Job at once, with the cause in kubectl describe', async () => {
  await namespace.apply(secretOf('wrong'));
  const objects = download('refused', 'wrong');
  await namespace.apply(objects.map(onRealNode));
  const [job = ''] = jobsOf(objects);
  expect(await namespace.endOfJob(job)).toBe('PodFailurePolicy');
  const pod = await namespace.pod(`job-name=${job}`);
  const description = await namespace.kubectl('describe', 'pod', pod.metadata.name);
  expect(description).toMatch(/Exit Code: +21\n/);
  expect(description).toMatch(/Message: +.*(401|unauthori[sz]ed|token|credentials)/i);
}, 100_000);

test('a changed spec is a new Job, an unchanged one the same, and neither downloads again', async () => {
  await namespace.apply(secretOf('right'));
  const first = download('changed', 'right');
  await namespace.apply(first.map(onRealNode));
  expect(await namespace.endOfJob(jobsOf(first)[0] ?? '')).toBe('Complete');
  const seen = (await hub.seen()).filter((path) => path.includes('/resolve/')).length;

  const same = print(download('changed', 'right').map((object) => namespace.placed(onRealNode(object))));
  expect(await namespace.attempt(['diff', '-f', '-'], same)).toEqual({ code: 0, stdout: '', stderr: '' });
  await namespace.attempt(['apply', '-f', '-'], same);
  expect((await namespace.list('jobs')).map(({ metadata }) => metadata.name).filter((name) => name.startsWith('test-changed'))).toEqual(jobsOf(first));

  const second = download('changed', 'right', Cpu.millis(500));
  expect(jobsOf(second)).not.toEqual(jobsOf(first));
  await namespace.apply(second.map(onRealNode));
  expect(await namespace.endOfJob(jobsOf(second)[0] ?? '')).toBe('Complete');
  expect((await hub.seen()).filter((path) => path.includes('/resolve/'))).toHaveLength(seen);
}, 150_000);
