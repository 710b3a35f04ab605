import { Testing } from 'cdk8s';

import { DevicePlugin, Dtype, GlmModel, NodeType, type PlatformProps, SophonChatglm3Chart, type SophonChatglm3ChartProps, WeightSource } from 'cdk8s-chatglm';

import { messageOf } from '../support/bad-input';
import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';

const REVISION = '0123456789'.repeat(4); // no revision of anything: a source is needed, and nothing is downloaded
const source = WeightSource.huggingFace(GlmModel.CHATGLM3_6B, { revision: REVISION });

const platform = (devicesPerUnit = 1): PlatformProps => ({
  nodeTypes: [NodeType.SC7_224T_SERVER],
  devicePlugins: [DevicePlugin.genericDevicePlugin({ name: devicesPerUnit === 1 ? 'bm1684x' : `bm1684x-${String(devicesPerUnit)}`, devicesPerUnit })],
});

function objects(props: Partial<SophonChatglm3ChartProps> = {}): KubernetesObject[] {
  const chart = new SophonChatglm3Chart(Testing.app(), 'chatglm3', {
    namespace: 'llm', image: 'harbor.corp.example/sophon:1', compilerImage: 'harbor.corp.example/tpu-mlir:1', weightSource: source, platform: platform(), ...props,
  });
  return Testing.synth(chart) as KubernetesObject[];
}

interface Container { readonly command: string[]; readonly resources: { readonly limits?: Record<string, unknown>; readonly requests?: { readonly memory?: string } } }

const mainOf = (object: KubernetesObject): Container => (object.spec as { template: { spec: { containers: [Container] } } }).template.spec.containers[0];
const stepsOf = (all: readonly KubernetesObject[]): string[] => all.filter(({ kind }) => kind === 'Job').map(({ metadata }) => metadata.name.replace(/^chatglm3-(.*)-[0-9a-f]{8}$/, '$1'));
const step = (all: readonly KubernetesObject[], name: string): Container => mainOf(all.find(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith(`chatglm3-${name}-`))!);
const after = (words: readonly string[], flag: string): string | undefined => words[words.indexOf(flag) + 1];

test('weights become a bmodel in four steps, without a TPU, and a server loads it with the extension that was built', () => {
  const all = objects();

  expect(stepsOf(all).sort()).toEqual(['compile', 'export', 'extension', 'llm-tpu', 'patch', 'weights']);
  expect(step(all, 'patch').command).toEqual(expect.arrayContaining(['--patch', 'sophon-mask', '--patch', 'sophon-major-version', '--set', 'seq_length=512']));
  const exported = after(step(all, 'export').command, '--output')!;
  expect(after(step(all, 'export').command, '--weights')).toBe(after(step(all, 'patch').command, '--output'));
  expect(step(all, 'compile').command).toEqual(expect.arrayContaining(['--onnx', exported, '--name', 'chatglm3-6b', '--mode', 'f16', '--devices', '1']));
  const server = mainOf(all.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'chatglm3-serve')!);
  expect(server.command).toEqual(expect.arrayContaining([
    '--backend', 'sophon', '--model-path', after(step(all, 'compile').command, '--output')!, '--backend-option', `extension=${after(step(all, 'extension').command, '--output')!}`,
    '--context-length', '512',
  ]));
  expect(server.resources.limits).toEqual({ 'squat.ai/bm1684x': 1 });
  expect(['export', 'compile', 'extension', 'patch'].map((name) => step(all, name).resources.limits?.['squat.ai/bm1684x'])).toEqual([undefined, undefined, undefined, undefined]);
});

test.each([Dtype.FLOAT16, Dtype.INT8, Dtype.INT4])('%s is compiled as the script calls it', (dtype) => {
  const words = step(objects({ dtype }), 'compile').command;

  expect(after(words, '--mode')).toBe({ [Dtype.FLOAT16]: 'f16', [Dtype.INT8]: 'int8', [Dtype.INT4]: 'int4' }[dtype as string]);
});

test.each([2, 4, 8])('on %i chips there is the terminal of the C++ program, which is linked with a sentencepiece of its own', (devices) => {
  const all = objects({ devices, platform: platform(devices) });

  expect(stepsOf(all)).toEqual(expect.arrayContaining(['cli', 'program', 'sentencepiece']));
  expect(all.filter(({ kind }) => kind === 'Deployment')).toEqual([]);
  expect(step(all, 'cli').command).toEqual(expect.arrayContaining([
    '/opt/cdk8s-chatglm/chat_program.py', '--program', `${after(step(all, 'program').command, '--output')!}/chatglm`, '--devices', String(devices),
  ]));
  expect(step(all, 'cli').resources.limits).toEqual({ [`squat.ai/bm1684x-${String(devices)}`]: 1 });
});

test('the sources are those whose program runs what their exporter and compile.sh make: demo.cpp knows no greedy_head, the extension needs it', () => {
  const commit = (devices: number): string => /LLM-TPU\/archive\/([0-9a-f]{40})\.tar\.gz/.exec(step(objects({ devices, platform: platform(devices) }), 'llm-tpu').command.join(' '))![1]!;

  expect(commit(1)).toBe('edb7f13e1fab7afee4be24eeed42fa51e1f3a273');
  expect([2, 4, 8].map(commit)).toEqual(Array.from({ length: 3 }, () => '909f9dabcab77bffbce63db8485700b8b18860af'));
  expect(stepsOf(objects({ devices: 2, platform: platform(2) })).sort()).toEqual(['cli', 'compile', 'export', 'llm-tpu', 'patch', 'program', 'sentencepiece', 'weights']);
});

test('a ready bmodel is downloaded, and nothing is compiled', () => {
  const ready = WeightSource.http({ files: [{ url: 'https://models.corp.example/chatglm3-6b_int4_1dev.bmodel' }, { url: 'https://models.corp.example/tokenizer.model' }], trustOnFirstUse: true });
  const all = objects({ readyBmodel: true, weightSource: ready, dtype: Dtype.INT4, compilerImage: undefined });

  expect(stepsOf(all).sort()).toEqual(['bmodel', 'extension', 'llm-tpu']);
});

test('the page asks the server\'s Service', () => {
  const web = objects().find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'chatglm3-web')!;

  expect(after(mainOf(web).command, '--server')).toBe('http://chatglm3-serve');
  expect(objects({ web: false }).filter(({ metadata }) => metadata.name === 'chatglm3-web')).toEqual([]);
});

test('on a SoC what runs its image goes to ARM nodes, and the compiler stays on x86', () => {
  const all = objects({ nodeType: NodeType.SE7, platform: { nodeTypes: [NodeType.SE7], devicePlugins: [DevicePlugin.hostDevices()] } });
  const architectureOf = (name: string): unknown => (all.find(({ metadata }) => metadata.name.startsWith(`chatglm3-${name}`))!.spec as { template: { spec: { nodeSelector?: Record<string, string> } } }).template.spec.nodeSelector?.['kubernetes.io/arch'];

  expect(['serve', 'extension', 'web', 'compile', 'export'].map(architectureOf)).toEqual(['arm64', 'arm64', 'arm64', 'amd64', 'amd64']);
  // A program for one processor is no result for another, whatever the image is called.
  expect(after(step(all, 'extension').command, '--output')).not.toBe(after(step(objects(), 'extension').command, '--output'));
  expect(after(step(all, 'compile').command, '--output')).toBe(after(step(objects(), 'compile').command, '--output'));
});

test('the server leaves a SoC\'s 16 GB to the chip, whatever the precision', () => {
  const memoryOf = (dtype: Dtype): unknown => mainOf(objects({ dtype }).find(({ metadata }) => metadata.name === 'chatglm3-serve')!).resources.requests?.memory;

  expect([Dtype.FLOAT16, Dtype.INT8, Dtype.INT4].map(memoryOf)).toEqual(['2Gi', '2Gi', '2Gi']);
});

test.each<[string, Partial<SophonChatglm3ChartProps>, string]>([
  ['three chips', { devices: 3 }, '[chatglm3/compile] \'devices\' must be one of 1, 2, 4, 8 for a bmodel, got 3'],
  ['a precision that the script does not know', { dtype: Dtype.BFLOAT16 }, '[chatglm3/compile] \'dtype\' must be one of float16, int8, int4 for a bmodel, got bfloat16'],
  ['no compiler', { compilerImage: undefined }, '[chatglm3/export] \'compilerImage\' of Runtime.sophon is needed to export: an image with TPU-MLIR, torch and transformers, such as container/images/tpu-mlir/Dockerfile builds'],
  ['an image that is not pinned', { image: 'harbor.corp.example/sophon:latest' }, '\'image\' must be pinned by a full tag or a digest, got \'harbor.corp.example/sophon:latest\''],
  ['a length beyond the model', { seqLength: 9000 }, '[chatglm3/export] \'seqLength\' must be a whole number from 1 to 8192 for chatglm3-6b, got 9000'],
])('%s is refused', (_what, props, message) => {
  expect(messageOf(() => objects(props))).toBe(message);
});

test('synthesizing twice gives the same objects', () => {
  expect(objects()).toEqual(objects());
});
