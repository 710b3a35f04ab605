// Every guide's chart on the real node: one apply of all that it renders, in any order, ends with a server that answers; stand-ins do the work.
import { App, type Chart } from 'cdk8s';
import {
  Accelerator, AtbChatglm2Chart, CambriconChatglmChart, DevicePlugin, Dtype, GlmModel, MindFormersGlm3Chart, NodeType, SophonChatglm3Chart, WeightSource,
} from '../../index';
import { chat } from './support/chat';
import { inside } from './support/cluster';
import { Hub } from './support/hub';
import { impatient, type Manifest, onRealNode } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { signalProcess } from './support/pod-process';

const MIND_CLUSTER = DevicePlugin.mindCluster({ version: '26.0' });
const common = { namespace: 'llm', storageClassName: 'nfs', image: 'registry.example.com/vendor:1' };
const revision = '0123456789'.repeat(4);

interface Case {
  readonly chart: (app: App) => Chart;
  /** The model's name in the API. */
  readonly model: string;
  /** Jobs that are done before the server answers, and beside it, without chart and digest. */
  readonly jobs: readonly string[];
  /** What the server says to `marco`. */
  readonly answer: RegExp;
}

const CASES: Readonly<Record<string, Case>> = {
  cambricon: {
    chart: (app) => new CambriconChatglmChart(app, 'cambricon', {
      ...common, accelerator: Accelerator.MLU370_X8, weightSource: WeightSource.huggingFace(GlmModel.CHATGLM_6B, { revision }),
      platform: { nodeTypes: [NodeType.MLU370_X8_SERVER], devicePlugins: [DevicePlugin.cambricon()] },
    }),
    model: 'chatglm-6b', jobs: ['weights', 'patch', 'transformers', 'transformers-mlu', 'chatglm-6b', 'chatglm-6b-mlu', 'benchmark'], answer: /marco/,
  },
  sophon: {
    chart: (app) => new SophonChatglm3Chart(app, 'sophon', {
      ...common, compilerImage: 'registry.example.com/tpu-mlir:1', dtype: Dtype.INT8, weightSource: WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision }),
      platform: { nodeTypes: [NodeType.SC7_HP75_SERVER], devicePlugins: [DevicePlugin.genericDevicePlugin({ name: 'bm1684x' })] },
    }),
    model: 'chatglm3-6b', jobs: ['llm-tpu', 'weights', 'patch', 'export', 'compile', 'extension'], answer: /marco/,
  },
  atb: {
    chart: (app) => new AtbChatglm2Chart(app, 'atb', {
      ...common, accelerator: Accelerator.ASCEND_310P_300I_DUO_96G, tensorParallel: 2, minimumScore: 0.5, benchmarkPairs: [{ input: 256, output: 256 }],
      platform: { nodeTypes: [NodeType.ATLAS_300I_DUO_SERVER], devicePlugins: [MIND_CLUSTER] },
    }),
    model: 'chatglm2-6b', jobs: ['modellink', 'weights', 'configure', 'shard', 'ceval', 'evaluate', 'benchmark'], answer: /marco/,
  },
  mindformers: {
    chart: (app) => new MindFormersGlm3Chart(app, 'mindformers', {
      ...common, devicesPerNode: 2, minimumScores: { 'rouge-l': 1 }, platform: { nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [MIND_CLUSTER] },
    }),
    // five steps have added 5 to each of the 17 numbers, which summed up to 121
    model: 'chatglm3-6b', jobs: ['mindformers', 'checkpoint', 'adgen', 'dataset', 'finetune', 'merge', 'evaluate', 'predict'], answer: /^206$/,
  },
};

/** LLM-TPU's extension as the stand-in of the compiler leaves it is no code: the image has one that is. */
const withExtension = (object: Manifest): Manifest => JSON.parse(JSON.stringify(object).replace(/extension=\/artifacts\/[^"]+/, 'extension=/opt/chat')) as Manifest;

const jobsOf = (objects: readonly Manifest[]): string[] => objects.filter(({ kind }) => kind === 'Job').map(({ metadata }) => metadata.name);

describe.each(Object.entries(CASES))('%s', (name, { chart, model, jobs, answer }) => {
  let namespace: TestNamespace;
  let objects: Manifest[];
  beforeAll(async () => {
    namespace = await TestNamespace.create(name);
    const hub = await Hub.start(namespace);
    objects = (chart(new App()).toJson() as Manifest[]).map((object) => withExtension(impatient(onRealNode(hub.instead(object)))));
    await namespace.apply(objects);
  }, 120_000);
  afterAll(() => namespace.delete());

  test('from nothing to a server that answers', async () => {
    await namespace.kubectl('rollout', 'status', `deployment/${name}-serve`, '--timeout=280s');
    expect(await chat(namespace, `${name}-serve`, model, 'marco')).toMatch(answer);
  }, 320_000);

  test('every Job completes', async () => {
    expect(jobsOf(objects).map((job) => job.replace(/^[a-z]+-(.*)-[0-9a-f]{8}$/, '$1')).sort()).toEqual([...jobs].sort());
    const ends = await Promise.all(jobsOf(objects).map(async (job) => [job, await namespace.endOfJob(job, 200)] as const));
    expect(ends.filter(([, end]) => end !== 'Complete')).toEqual([]);
    const { stdout } = await inside('sh', ['-c', `cd "\${KUBECONFIG%/*}/volumes/${namespace.name}-${name}-store" && ls -d */.cdk8s-chatglm.json | wc -l`]);
    expect(Number(stdout)).toBe(jobs.length);
  }, 320_000);

  test('applied again, nothing changes', async () => {
    const { code, stdout } = await namespace.attempt(['diff', '-f', '-'], objects.map((object) => JSON.stringify(namespace.placed(object))).join('\n---\n'));
    expect([code, stdout]).toEqual([0, '']);
  });
});

/** A server that shares its model with a second rank. */
describe('the server of seed 003', () => {
  let namespace: TestNamespace;
  beforeAll(async () => {
    namespace = await TestNamespace.create('drain');
    const hub = await Hub.start(namespace);
    const objects = (CASES.atb!.chart(new App()).toJson() as Manifest[]).map((object) => impatient(onRealNode(hub.instead(object))));
    await namespace.apply(objects.filter(({ kind, metadata }) => kind !== 'Job' || !/evaluate|benchmark|ceval/.test(metadata.name)));
    await namespace.kubectl('rollout', 'status', 'deployment/atb-serve', '--timeout=280s');
  }, 320_000);
  afterAll(() => namespace.delete());
  const pod = (): Promise<Manifest> => namespace.pod('app.kubernetes.io/instance=atb-serve');

  test('is started again by its probe when it hangs', async () => {
    const { metadata: { name, uid } } = await pod();
    await signalProcess('STOP', String(uid), '^[^ ]+ [^ ]*/serve_atb.py .* RANK=0 '); // the server, not the launcher that names it too
    await namespace.eventuallyHas('pod', name, '{.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}', /^[1-9] true$/, 150);
    expect(await chat(namespace, 'atb-serve', 'chatglm2-6b', 'again')).toMatch(/again/);
  }, 200_000);

  test('goes on answering for a while when its pod is deleted, then both ranks end well', async () => {
    const { metadata: { name } } = await pod();
    const log = namespace.kubectl('logs', '-f', name, '-c', 'serve', '--tail=-1');
    await namespace.kubectl('delete', 'pod', name);
    const text = await log;
    expect(text).toMatch(/SIGTERM|drain/i);
    expect(text).not.toMatch(/Traceback|ERROR|was killed/);
    await namespace.kubectl('rollout', 'status', 'deployment/atb-serve', '--timeout=100s');
  }, 250_000);
});
