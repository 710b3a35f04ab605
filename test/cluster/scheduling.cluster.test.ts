// Where pods go, on simulated nodes of every product.
import {
  Accelerator, Artifact, ArtifactFormat, DevicePlugin, FinetuneJob, GlmModel, type IArtifactStore, MindFormersVersion, NodeType, Platform, Runtime, Scheduler, WorkloadKind,
} from '../../index';
import { eventually } from './support/eventually';
import { example, examples } from './support/examples';
import { type Manifest, onSimulatedNodes, parse, print } from './support/manifest';
import { TestNamespace } from './support/namespace';
import { synthesize } from './support/synthesize';

let namespace: TestNamespace;
beforeAll(async () => { namespace = await TestNamespace.create('scheduling'); });
afterAll(() => namespace.delete());

const job = (name: string, resource: string, count: number): string => `
apiVersion: batch/v1
kind: Job
metadata: {name: ${name}}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: work, image: "example.invalid/train:v1", resources: {limits: {${resource}: ${String(count)}}}}]
`;
const applySimulated = (text: string, labels?: Record<string, string>): Promise<string> => namespace.apply(parse(text).map((object) => onSimulatedNodes(object, labels)));

test('a Deployment runs on the node with enough cards', async () => {
  await applySimulated(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: serve}
spec:
  selector: {matchLabels: {app: serve}}
  template:
    metadata: {labels: {app: serve}}
    spec:
      nodeSelector: {accelerator: huawei-Ascend910, accelerator-type: module-910b-16}
      containers: [{name: server, image: "example.invalid/vllm-ascend:v1", resources: {limits: {huawei.com/Ascend910: 16, cpu: 16, memory: 64Gi}}}]
`);
  await namespace.kubectl('rollout', 'status', 'deployment/serve', '--timeout=30s');
  expect((await namespace.list('pods', 'app=serve')).map((pod) => pod.spec.nodeName)).toEqual(['atlas-200t-a2-box16-26-0']);
});

test('a Job of simulated pods completes', async () => {
  await applySimulated(job('completes', 'cambricon.com/mlu590', 8));
  await namespace.eventuallyHas('job', 'completes', '{.status.conditions[?(@.type=="Complete")].status}', /True/);
});

/** A fine-tune in an AscendJob of some Workers with all devices of a server each. */
const ascendJob = (nodes: number): Manifest[] => synthesize((chart) => {
  Platform.attach(chart, { nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })], scheduler: Scheduler.volcano() });
  const store: IArtifactStore = { storeName: 'store', shared: true, readOnly: false, volumeSource: { nfs: { server: 'nfs.example.com', path: '/models' } } };
  const artifact = (format: ArtifactFormat): Artifact => Artifact.existing({ store, directory: format.name, format });
  new FinetuneJob(chart, 'tune', {
    model: GlmModel.CHATGLM3_6B, checkpoint: artifact(ArtifactFormat.MINDSPORE), dataset: artifact(ArtifactFormat.DATASET), nodes,
    runtime: Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree: artifact(ArtifactFormat.SOURCE_TREE) }),
    accelerator: Accelerator.ASCEND_910B3, devicesPerNode: 8, workload: WorkloadKind.ASCEND_JOB,
  });
});

test('an AscendJob needs no more servers than it has Workers: its Scheduler shares one of theirs', async () => {
  const place = await TestNamespace.create('gang');
  const servers = ['atlas-800i-a2-26-0', 'atlas-800t-a2-26-0', 'atlas-900-a2-pod-26-0'];
  try {
    await place.apply(ascendJob(servers.length).map((object) => onSimulatedNodes(object, { 'accelerator-type': 'module-910b-8' })));
    const pods = await eventually('all pods on nodes', async () => {
      const list = await place.list('pods');
      return list.length === servers.length + 1 && list.every((pod) => pod.spec.nodeName !== undefined) ? list : undefined;
    });
    expect(pods.filter(({ metadata }) => metadata.labels?.['replica-type'] === 'worker').map((pod) => pod.spec.nodeName as string).sort()).toEqual(servers);
    expect(servers).toContain(pods.find(({ metadata }) => metadata.labels?.['replica-type'] === 'scheduler')?.spec.nodeName);
  } finally {
    await place.delete();
  }
});

test('more cards than any node has leave the scheduler\'s message', async () => {
  await applySimulated(job('too-big', 'huawei.com/Ascend910', 9), { 'test.cluster/product': 'atlas-800t-a2' });
  // Nodes whose heartbeat is late on a busy machine are tainted for a moment; the scheduler looks again when they are back.
  const everyNodeLooked = /^0\/\d+ nodes are available: 2 Insufficient huawei\.com\/Ascend910, \d+ node\(s\) didn't match Pod's node affinity\/selector\./;
  expect(await namespace.eventuallyEvent('FailedScheduling', everyNodeLooked)).toMatch(everyNodeLooked);
});

test('every server product of the library has its simulated nodes', async () => {
  const nodes = JSON.parse(await namespace.kubectl('get', 'nodes', '-l', 'type=kwok', '-o', 'json')) as { items: Manifest[] };
  const products = new Set(nodes.items.map(({ metadata }) => metadata.annotations?.['test.cluster/product']));
  expect(NodeType.all().map(({ name }) => name).filter((name) => !products.has(name))).toEqual([]);
});

describe.each(['26-0', '26-1'])('node labels of MindCluster %s', (version) => {
  test('every product has the labels of its scheme only', async () => {
    const nodes = JSON.parse(await namespace.kubectl('get', 'nodes', '-l', `test.cluster/mind-cluster=${version.replace('-', '.')}`, '-o', 'json')) as { items: { metadata: { labels: Record<string, string> } }[] };
    expect(nodes.items.length).toBe(15);
    for (const { metadata: { labels } } of nodes.items) {
      expect([labels['host-arch'] !== undefined, labels['node.kubernetes.io/npu.chip.name'] !== undefined]).toEqual([version === '26-0', version === '26-1']);
    }
  });
});

/** The simulated nodes that each example may be put on; others have neither its device nor its labels. */
const A2 = /^atlas-(800t-a2|900-a2-pod|800i-a2)-26-0$/;
const A1 = /^atlas-800-90[01]0-26-0$/;
const PLACES: Record<string, RegExp> = {
  'atb-chatglm2-310p': /^atlas-300i-duo-server-26-1$/,
  'atb-chatglm2-910b': /^atlas-800i-a2-26-1$/,
  'cambricon-chatglm': /^mlu370-(s4|x4|x8)-server$/,
  'glm-full': A1, 'glm-full-trainer': A1, 'glm-lora': A1, 'glm-lora-trainer': A1,
  'glm3-2k': A2, 'glm3-adgen': A2, 'glm3-multi-turn': A2, 'glm3-twelve-nodes': A2,
  'serve-chatglm3-mindie': /^atlas-800i-a2-26-1$/,
  'sophon-chatglm3': /^(sc7-.*-server|se7)$/,
  'sophon-chatglm3-four-chips': /^sc7-.*-server$/,
  'sophon-chatglm3-soc': /^se7$/,
  'finetune-chatglm3-ascend': A2,
  'serve-chatglm-cambricon': /^mlu370-(s4|x4|x8)-server$/,
  'serve-chatglm2-ascend': /^atlas-300i-duo-server-26-1$/,
  'serve-chatglm3-sophon': /^(sc7-.*-server|se7)$/,
};

/** A server that each example must refuse, and why the scheduler says so. */
const WRONG: [string, string, RegExp][] = [
  ['finetune-chatglm3-ascend', 'atlas-800-9000', /^0\/\d+ nodes are available: \d+ node\(s\) didn't match Pod's node affinity\/selector\./],
  ['serve-chatglm-cambricon', 'mlu590-server', /^0\/\d+ nodes are available: 1 Insufficient cambricon\.com\/mlu370, /],
  ['serve-chatglm2-ascend', 'atlas-310p-card-server', /^0\/\d+ nodes are available: \d+ node\(s\) didn't match Pod's node affinity\/selector\./],
  ['serve-chatglm3-sophon', 'cpu-server', /^0\/\d+ nodes are available: 1 Insufficient squat\.ai\/bm1684x, /],
];

/** The object with 99 of every device that it asks for. */
const greedy = (object: Manifest): Manifest => JSON.parse(JSON.stringify(object).replaceAll(/("(huawei\.com|cambricon\.com|squat\.ai)\/[^"]+"):\d+/g, '$1:99')) as Manifest;

/** The object with two pods for twelve, each on a server of its own: there are three such servers here. */
const fewer = (object: Manifest): Manifest => JSON.parse(JSON.stringify(object).replaceAll(/"(replicas|minAvailable)":12\b/g, '"$1":2')) as Manifest;

const isWorkload = ({ kind }: Manifest): boolean => ['Deployment', 'Job', 'AscendJob'].includes(kind);

describe.each([...examples()])('%s', (name, objects) => {
  let place: TestNamespace;
  beforeAll(async () => { place = await TestNamespace.create('example'); });
  afterAll(() => place.delete());

  test('runs on simulated nodes of the right kind only', async () => {
    await place.apply(objects.map((object) => onSimulatedNodes(fewer(object))));
    const workloads = objects.filter(isWorkload);
    const pods = await eventually('pods on nodes', async () => {
      const list = await place.list('pods');
      return list.length >= workloads.length && list.every((pod) => pod.spec.nodeName !== undefined) ? list : undefined;
    });
    const withDevices = pods.filter((pod) => JSON.stringify(pod.spec.containers).match(/"(huawei\.com|cambricon\.com|squat\.ai)\//));
    expect(withDevices.length > 0).toBe(name in PLACES);
    expect(withDevices.map((pod) => pod.spec.nodeName as string).filter((node) => PLACES[name]?.test(node) !== true)).toEqual([]);
  });

  test('applied again, it changes nothing', async () => {
    const { code, stdout, stderr } = await place.attempt(['diff', '-f', '-'], print(objects.map((object) => place.placed(onSimulatedNodes(fewer(object))))));
    expect([code, stdout, stderr]).toEqual([0, '', '']);
  });
});

describe.each(WRONG)('%s', (name, product, reason) => {
  let place: TestNamespace;
  beforeEach(async () => { place = await TestNamespace.create('refused'); });
  afterEach(() => place.delete());

  test('is not put on a server of another kind', async () => {
    await place.apply(example(name).map((object) => onSimulatedNodes(object, { 'test.cluster/product': product })));
    expect(await place.eventuallyEvent('FailedScheduling', reason)).toMatch(/Preemption is not helpful|preemption: 0/);
  });

  test('with more devices than any server has, waits and says which are missing', async () => {
    await place.apply(example(name).map((object) => onSimulatedNodes(greedy(object))));
    await place.eventuallyEvent('FailedScheduling', /^0\/\d+ nodes are available: .*\d+ Insufficient (huawei\.com\/Ascend|cambricon\.com\/mlu370|squat\.ai\/bm1684x)/);
  });
});
