import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

import { Chart, Size, Testing } from 'cdk8s';
import {
  Accelerator, AtbChatglm2Chart, type AtbChatglm2ChartProps, AtbPrecision, DevicePlugin, ModelStore, NodeType, Platform, type PlatformProps, WeightSource,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { refuses } from '../support/bad-input';
import { devicesOf, podOf } from '../support/pod-of';
import { STORE } from '../support/synthesized';

const DUO = Accelerator.ASCEND_310P_300I_DUO_96G;
const A2 = Accelerator.ASCEND_910B4;
const PLATFORM: PlatformProps = {
  nodeTypes: [NodeType.ATLAS_800I_A2, NodeType.ATLAS_300I_DUO_SERVER, NodeType.ATLAS_800_9000], devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })],
};
const IMAGES = { image: 'harbor.corp.example/atb:1', modelSlimImage: 'harbor.corp.example/modelslim:1' };

function chart(props: Partial<AtbChatglm2ChartProps> = {}): AtbChatglm2Chart {
  return new AtbChatglm2Chart(Testing.app(), 'atb', { namespace: 'llm', platform: PLATFORM, accelerator: A2, ...IMAGES, ...props });
}

const objects = (props: Partial<AtbChatglm2ChartProps> = {}): KubernetesObject[] => Testing.synth(chart(props)) as KubernetesObject[];
const idOf = ({ metadata }: KubernetesObject): string => metadata.name.replace(/^atb-/, '').replace(/-[0-9a-f]{8}$/, '');
const jobs = (all: readonly KubernetesObject[]): KubernetesObject[] => all.filter(({ kind }) => kind === 'Job');
const steps = (all: readonly KubernetesObject[]): string[] => jobs(all).map(idOf);
const commandOf = (all: readonly KubernetesObject[], id: string): string[] => podOf(all.find((object) => ['Job', 'Deployment'].includes(object.kind) && idOf(object) === id)!).container.command!;
const after = (words: readonly string[], flag: string): string => words[words.indexOf(flag) + 1]!;

const PREPARED = ['modellink', 'weights', 'configure'];
const MEASURED = ['evaluate', 'benchmark'];
const { FLOAT, W8A8, SPARSE } = AtbPrecision;

const VARIANTS: [AtbPrecision, Accelerator, number, string[]][] = [
  [FLOAT, A2, 1, [...PREPARED, 'ceval', ...MEASURED]],
  ...[2, 4, 8].map((devices): [AtbPrecision, Accelerator, number, string[]] => [FLOAT, A2, devices, [...PREPARED, 'shard', 'ceval', ...MEASURED]]),
  ...[1, 2, 4, 8].map((devices): [AtbPrecision, Accelerator, number, string[]] => [W8A8, A2, devices, [...PREPARED, 'ceval', 'quantize', 'shard', ...MEASURED]]),
  [FLOAT, DUO, 1, [...PREPARED, 'ceval', ...MEASURED]],
  ...[2, 4].map((devices): [AtbPrecision, Accelerator, number, string[]] => [FLOAT, DUO, devices, [...PREPARED, 'shard', 'ceval', ...MEASURED]]),
  ...[1, 2, 4].map((devices): [AtbPrecision, Accelerator, number, string[]] => [W8A8, DUO, devices, [...PREPARED, 'ceval', 'quantize', 'shard', ...MEASURED]]),
  [SPARSE, DUO, 2, [...PREPARED, 'ceval', 'quantize', 'shard', 'compress', ...MEASURED]],
];

describe.each(VARIANTS)('%s on %s x %i', (precision, accelerator, tensorParallel, expected) => {
  const all = objects({ precision, accelerator, tensorParallel });

  test('goes from nothing to a served model in the guide\'s order', () => {
    expect(steps(all)).toEqual(expected);
    expect(all.filter(({ kind }) => kind === 'Deployment').map(idOf)).toEqual(['serve']);
  });

  test('asks for devices where the scripts use them, and nowhere else', () => {
    const resource = accelerator === DUO ? 'huawei.com/Ascend310P' : 'huawei.com/Ascend910';
    const asked = Object.fromEntries(all.filter(({ kind }) => ['Job', 'Deployment'].includes(kind)).map((object) => [idOf(object), devicesOf(object).limits[resource]]));

    expect(Object.fromEntries(Object.entries(asked).filter(([, count]) => count !== undefined))).toEqual({
      ...(expected.includes('shard') && { shard: 1 }), evaluate: tensorParallel, benchmark: tensorParallel, serve: tensorParallel,
    });
  });

  test('every input of a step is the output of another, and waited for', () => {
    const outputs = jobs(all).map((object) => podOf(object).container.command!).map((words) => words.includes('--target') ? after(words, '--target') : after(words, '--output'));
    for (const object of all.filter(({ kind }) => ['Job', 'Deployment'].includes(kind))) {
      const { container, spec } = podOf(object);
      const read = container.command!.flatMap((word) => [.../\/artifacts\/store\/[\w.-]+/g[Symbol.matchAll](word)].map(([match]) => match));
      const made = outputs.find((output) => container.command!.includes(output) && (container.command!.includes('--target') || after(container.command!, '--output') === output));
      const awaited = (spec.initContainers ?? []).filter(({ name }) => name === 'wait-for-artifacts').flatMap(({ command = [] }) => command.filter((_, index) => command[index - 1] === '--artifact'));

      expect([...new Set(read)].filter((artifact) => artifact !== made).sort()).toEqual([...awaited].sort());
      expect(awaited.filter((artifact) => !outputs.includes(artifact))).toEqual([]);
    }
  });
});

/** The variants in a form that people can review: what each step runs behind its surroundings, and its devices. */
function review(): string {
  return VARIANTS.map(([precision, accelerator, tensorParallel]) => {
    const workloads = objects({ precision, accelerator, tensorParallel }).filter(({ kind }) => ['Job', 'Deployment'].includes(kind));
    return [`${precision.name} on ${accelerator.name} x ${String(tensorParallel)}`, ...workloads.map(line)].join('\n');
  }).join('\n\n') + '\n';
}

function line(object: KubernetesObject): string {
  const { command } = podOf(object).container;
  const last = command!.findLastIndex((word) => /^\/opt\/cdk8s-chatglm\/\w+\.py$/.test(word));
  const words = command!.slice(last).join(' ').replace('/opt/cdk8s-chatglm/', '').replaceAll('/artifacts/store/', '');
  return `  ${idOf(object)} (${JSON.stringify(devicesOf(object).limits)}): ${words}`;
}

test('the commands of all variants are those that were reviewed', () => {
  const golden = path.join(__dirname, 'golden/atb-chatglm2.txt');
  // GOLDEN=write npx jest test/charts/atb-chatglm2.test.ts writes what is to be reviewed.
  if (process.env.GOLDEN === 'write') {
    writeFileSync(golden, review());
  }

  expect(review()).toBe(readFileSync(golden, 'utf8'));
});

test('every variant has weights of its own, and all share what was downloaded', () => {
  const served = VARIANTS.map(([precision, accelerator, tensorParallel]) => [accelerator.series, chart({ precision, accelerator, tensorParallel }).weights.directory] as const);
  const downloads = VARIANTS.map(([precision, accelerator, tensorParallel]) => after(commandOf(objects({ precision, accelerator, tensorParallel }), 'weights'), '--target'));

  expect(new Set(served.filter(([series]) => series === '910B').map(([, directory]) => directory)).size).toBe(8);
  expect(new Set(downloads).size).toBe(1);
});

describe('our scripts take the flags that they are started with', () => {
  const container = path.join(__dirname, '../../container');
  const all = [objects({ precision: SPARSE, accelerator: DUO, tensorParallel: 2 }), objects({ precision: W8A8, tensorParallel: 2, chatSession: false }), objects({ chatSession: true })].flat();
  const inner = all.filter(({ kind }) => ['Job', 'Deployment'].includes(kind)).flatMap((object): [string, string[]][] => {
    const words = podOf(object).container.command!;
    const starts = words.flatMap((word, index) => /^\/opt\/cdk8s-chatglm\/\w+\.py$/.test(word) ? [index] : []);
    const last = starts.at(-1)!;
    const script = words[last]!.replace('/opt/cdk8s-chatglm/', '');
    return script === 'fetch_weights.py' ? [] : [[`${idOf(object)}: ${script}`, [path.join(container, script), ...words.slice(last + 1)]]];
  });
  const different = new Map(inner.map(([name, words]) => [name, words]));

  test('all of them', () => {
    expect([...different.keys()].map((name) => name.replace(/.* /, '')).sort()).toEqual([
      'atb_benchmark.py', 'atb_evaluate.py', 'chat_atb.py', 'compress_weights.py', 'patch_config.py', 'quantize_weights.py', 'serve_atb.py', 'shard_weights.py',
    ]);
  });

  test.each([...different])('%s', (_name, words) => {
    const { status, stdout, stderr } = spawnSync('python3', words, { encoding: 'utf8', env: { PATH: process.env.PATH, TERMINATION_MESSAGE_PATH: '/dev/null', PYTHONDONTWRITEBYTECODE: '1' }, timeout: 20_000 });

    // The folders of the pod are not here, which ends it behind its command line.
    expect(`${stdout}${stderr}`).toMatch(/\/artifacts\/store/);
    expect([21, 22, 28, 31]).toContain(status);
  });
});

describe('what can be said otherwise', () => {
  test('quantized weights are downloaded as published where no ModelSlim is given', () => {
    const source = (accelerator: Accelerator) => after(commandOf(objects({ precision: W8A8, accelerator, modelSlimImage: undefined }), 'quantized'), '--source');

    expect(JSON.parse(source(DUO))).toMatchObject({ kind: 'archive', url: 'https://model-weight.obs.cn-north-4.myhuaweicloud.com/chatglm2_6B_310p.tar.gz', trustOnFirstUse: true });
    expect(JSON.parse(source(A2))).toMatchObject({ kind: 'archive', url: 'https://model-weight.obs.cn-north-4.myhuaweicloud.com/chatglm2_6B_910b.tar.gz', trustOnFirstUse: true });
  });

  test('sources of one\'s own', () => {
    const archive = (name: string) => WeightSource.archive({ url: `https://mirror.corp.example/${name}.tar.gz`, sha256: name.repeat(64) });
    const all = objects({ precision: W8A8, modelSlimImage: undefined, quantizedSource: archive('a'), datasetSource: archive('b'), weightSource: WeightSource.directory({ ...STORE, storeName: 'shelf' }, 'chatglm2') });

    expect(JSON.parse(after(commandOf(all, 'quantized'), '--source'))).toMatchObject({ url: 'https://mirror.corp.example/a.tar.gz' });
    expect(JSON.parse(after(commandOf(all, 'ceval'), '--source'))).toMatchObject({ url: 'https://mirror.corp.example/b.tar.gz' });
    expect(JSON.parse(after(commandOf(all, 'weights'), '--source'))).toMatchObject({ kind: 'directory', path: '/artifacts/shelf/chatglm2' });
  });

  test('without C-Eval nothing is evaluated and, in 16 bits, nothing of it downloaded', () => {
    expect(steps(objects({ evaluate: false, benchmarkPairs: [] }))).toEqual(PREPARED);
  });

  test('the speed of the guide: 8192 tokens of prompt and 1024 of answer', () => {
    expect(after(commandOf(objects({ accelerator: DUO, benchmarkPairs: [{ input: 8192, output: 1024 }] }), 'benchmark'), '--pairs')).toBe('8192:1024');
  });

  test('a least accuracy', () => {
    expect(after(commandOf(objects({ minimumScore: 0.5 }), 'evaluate'), '--minimum')).toBe('accuracy=0.5');
  });

  test('a longer context and more pods', () => {
    const all = objects({ contextLength: 8192, replicas: 2 });

    expect(after(commandOf(all, 'serve'), '--context-length')).toBe('8192');
    expect(podOf(all.find(({ kind }) => kind === 'Deployment')!).container.env).toContainEqual({ name: 'MAX_SEQ_LEN', value: '8192' });
    expect(all.find(({ kind }) => kind === 'Deployment')!.spec).toMatchObject({ replicas: 2 });
  });

  test('a chat on a terminal', () => {
    const chat = objects({ chatSession: true }).find((object) => object.kind === 'Job' && idOf(object) === 'chat')!;

    expect(podOf(chat).container).toMatchObject({ stdin: true, tty: true });
    expect(podOf(chat).metadata.annotations).toMatchObject({
      'cdk8s-chatglm/attach': 'kubectl -n llm attach -it $(kubectl -n llm get pod -l app.kubernetes.io/instance=atb-chat,app.kubernetes.io/component=chat -o name)',
    });
  });

  test('a store that is there', () => {
    const app = Testing.app();
    const stores = new Chart(app, 'stores', { namespace: 'llm' });
    const store = new ModelStore(stores, 'models', { existingClaim: { name: 'models' } as never });
    const all = Testing.synth(new AtbChatglm2Chart(app, 'atb', { namespace: 'llm', platform: PLATFORM, accelerator: A2, ...IMAGES, store })) as KubernetesObject[];

    expect(all.filter(({ kind }) => kind === 'PersistentVolumeClaim')).toEqual([]);
    expect(after(commandOf(all, 'weights'), '--target')).toMatch(/^\/artifacts\/models\/chatglm2-6b-/);
  });

  test('a chat page in front of the server', () => {
    const all = objects({ webImage: 'harbor.corp.example/gradio:3.39.0' });
    const page = all.find((object) => object.kind === 'Deployment' && idOf(object) === 'web')!;

    expect(podOf(page).container).toMatchObject({ image: 'harbor.corp.example/gradio:3.39.0', command: expect.arrayContaining(['--server', 'http://atb-serve', '--model-name', 'chatglm2-6b']) as unknown });
  });

  test('where the new claim comes from, and how large it is', () => {
    const claim = objects({ storageClassName: 'nfs', storeSize: Size.gibibytes(200) }).find(({ kind }) => kind === 'PersistentVolumeClaim')!;

    expect(claim.spec).toMatchObject({ storageClassName: 'nfs', resources: { requests: { storage: '200Gi' } } });
  });

  test('a toolkit whose compressor is built first', () => {
    const all = objects({ precision: SPARSE, accelerator: DUO, tensorParallel: 2, compressorToolkit: '/usr/local/Ascend/ascend-toolkit' });

    expect(after(commandOf(all, 'compress'), '--build-graph')).toBe('/usr/local/Ascend/ascend-toolkit');
  });

  test('the platform of the app', () => {
    const app = Testing.app();
    Platform.attach(app, { ...PLATFORM, podLabels: { team: 'ml' } });
    const all = Testing.synth(new AtbChatglm2Chart(app, 'atb', { namespace: 'llm', accelerator: A2, ...IMAGES })) as KubernetesObject[];

    expect(podOf(all.find(({ kind }) => kind === 'Deployment')!).metadata.labels).toMatchObject({ team: 'ml' });
  });
});

describe('what is refused', () => {
  refuses([
    ['sparse weights without ModelSlim', () => chart({ precision: SPARSE, accelerator: DUO, tensorParallel: 2, modelSlimImage: undefined }), '[atb] \'modelSlimImage\' is missing: no sparse weights are published, so they are made here'],
    ['sparse weights on 910B', () => chart({ precision: SPARSE, tensorParallel: 2 }), '[atb/quantize] sparse weights run on an Atlas 300I Duo only, got Ascend910B4; use W8A8 weights there'],
    ['sparse weights on one device', () => chart({ precision: SPARSE, accelerator: DUO }), '[atb/shard] sparse weights can only be compressed for 2 devices, got 1'],
    ['sparse weights on four devices', () => chart({ precision: SPARSE, accelerator: DUO, tensorParallel: 4 }), '[atb/shard] sparse weights can only be compressed for 2 devices, got 4'],
    ['eight devices on 310P', () => chart({ accelerator: DUO, tensorParallel: 8 }), '[atb/shard] \'tensorParallel\' must be one of 1, 2, 4 for runtime \'atb-models\' on Ascend310P 300I Duo 96G, got 8'],
    ['910A', () => chart({ accelerator: Accelerator.ASCEND_910A }), '[atb/evaluate] runtime \'atb-models\' does not support Ascend910A, which is supported by mindformers; its kernels know the SoC versions of 310P (200 to 203) and of 910B (220 to 224) only'],
    ['a quantized source in 16 bits', () => chart({ quantizedSource: WeightSource.directory(STORE, 'q') }), '[atb] \'quantizedSource\' is for precision w8a8 without \'modelSlimImage\'; leave it out'],
    ['a quantized source beside ModelSlim', () => chart({ precision: W8A8, quantizedSource: WeightSource.directory(STORE, 'q') }), '[atb] \'quantizedSource\' is for precision w8a8 without \'modelSlimImage\'; leave it out'],
    ['a store without room for the shards', () => chart({ tensorParallel: 2, storeSize: Size.gibibytes(15) }), '[atb/shard] the store \'store\' has 15.0 GiB, but its artifacts need 24.3 GiB (modellink-27ce332814, chatglm2-6b-a7956c766d, configure-fca231f226, shard-8563a79507); make it larger'],
    ['an image that moves', () => chart({ image: 'atb:latest' }), '[atb] \'image\' must be pinned by a full tag or a digest, got \'atb:latest\''],
    ['a pair longer than the model', () => chart({ benchmarkPairs: [{ input: 32768, output: 2 }] }), '[atb/benchmark] \'sequencePairs\' must be whole numbers, \'input\' from 1 and \'output\' from 2, at most 32768 together for chatglm2-6b, got 32768 and 2'],
    ['an answer of one token', () => chart({ benchmarkPairs: [{ input: 8, output: 1 }] }), '[atb/benchmark] \'sequencePairs\' must be whole numbers, \'input\' from 1 and \'output\' from 2, at most 32768 together for chatglm2-6b, got 8 and 1'],
    ['a chat over two devices', () => chart({ tensorParallel: 2, chatSession: true }), '[atb/chat] \'devices\' must be 1 for a chat of runtime \'atb-models\', got 2: only one process has the terminal; use WebInterface'],
  ]);
});
