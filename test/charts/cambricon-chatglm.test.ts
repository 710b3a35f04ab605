import { Size, Testing } from 'cdk8s';

import { Accelerator, CambriconChatglmChart, type CambriconChatglmChartProps, CambriconMode, DevicePlugin, GlmModel, NodeType, WeightSource } from 'cdk8s-chatglm';

import { messageOf } from '../support/bad-input';
import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';

const REVISION = '0123456789'.repeat(4); // no revision of anything: a source is needed, and nothing is downloaded
const weightSource = WeightSource.huggingFace(GlmModel.CHATGLM_6B, { revision: REVISION });
const IMAGE = 'harbor.corp.example/chatglm-mlu:1';

function objects(props: Partial<CambriconChatglmChartProps> = {}): KubernetesObject[] {
  const chart = new CambriconChatglmChart(Testing.app(), 'chatglm', {
    namespace: 'llm', image: IMAGE, weightSource, accelerator: Accelerator.MLU370_X8,
    platform: { nodeTypes: [NodeType.MLU370_X8_SERVER], devicePlugins: [DevicePlugin.cambricon()] }, ...props,
  });
  return Testing.synth(chart) as KubernetesObject[];
}

interface Container { readonly command: string[]; readonly env?: { name: string; value?: string }[]; readonly resources: { readonly limits?: Record<string, unknown> }; readonly stdin?: boolean }

const mainOf = (object: KubernetesObject): Container => (object.spec as { template: { spec: { containers: [Container] } } }).template.spec.containers[0];
const named = (all: readonly KubernetesObject[], kind: string, name: string): Container => mainOf(all.find((object) => object.kind === kind && object.metadata.name.startsWith(`chatglm-${name}`))!);
const after = (words: readonly string[], flag: string): string | undefined => words[words.indexOf(flag) + 1];

test('both trees are migrated by the vendor\'s tool, and the server runs on the migrated transformers and the patched model', () => {
  const all = objects();
  const [transformers, repository] = ['transformers-mlu', 'chatglm-6b-mlu'].map((name) => named(all, 'Job', name));
  const patch = named(all, 'Job', 'patch');
  const server = named(all, 'Deployment', 'serve');

  expect(after(transformers!.command, '--source')).toMatch(/^\/artifacts\/chatglm-store\/transformers-[0-9a-f]{10}$|^\/artifacts\/store\/transformers-[0-9a-f]{10}$/);
  expect(repository!.command).toEqual(expect.arrayContaining(['/opt/cdk8s-chatglm/migrate_sources.py', '--require', 'report.md']));
  expect(patch.command).toEqual(expect.arrayContaining(['--patch', 'skip-init', '--patch', 'torch-concat', '--patch', 'jit']));
  expect(server.command).toEqual(expect.arrayContaining([
    '--backend', 'transformers', '--backend-option', 'device=mlu', '--model-path', after(patch.command, '--output')!, '--vendor', 'cambricon', '--driver-at-least', '4.20.9',
  ]));
  expect(server.env).toContainEqual({ name: 'PYTHONPATH', value: `${after(transformers!.command, '--output')!}/src` });
  expect(server.resources.limits).toEqual({ 'cambricon.com/mlu370': 1 });
});

test('the ten minutes of the load are covered by the startup probe', () => {
  const server = objects().find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'chatglm-serve')!;
  const { startupProbe } = (mainOf(server) as unknown as { startupProbe: { periodSeconds: number; failureThreshold: number } });

  expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBeGreaterThanOrEqual(900);
});

test('page, terminal and benchmark can be chosen', () => {
  const all = objects({ cli: true });

  expect(after(named(all, 'Deployment', 'web').command, '--server')).toBe('http://chatglm-serve');
  expect(named(all, 'Job', 'cli')).toMatchObject({ stdin: true, tty: true });
  expect(named(all, 'Job', 'benchmark').command).toEqual(expect.arrayContaining(['/opt/cdk8s-chatglm/benchmark_model.py', '--backend', 'transformers']));
  const few = objects({ web: false, benchmark: false }).map(({ metadata }) => metadata.name);
  expect(few.filter((name) => /-(web|benchmark|cli)/.test(name))).toEqual([]);
});

test.each<[string, Partial<CambriconChatglmChartProps>, Record<string, unknown>]>([
  ['shares of a card', { devicePlugin: DevicePlugin.cambricon({ mode: CambriconMode.ENV_SHARE }) }, { 'cambricon.com/mlu370.share': 1 }],
  ['an MLU370-S4', { accelerator: Accelerator.MLU370_S4, deviceMemory: Size.gibibytes(24), platform: { devicePlugins: [DevicePlugin.cambricon()] } }, { 'cambricon.com/mlu370': 1 }],
])('%s are asked for by their name', (_what, props, limits) => {
  expect(named(objects(props), 'Deployment', 'serve').resources.limits).toEqual(limits);
});

test('without a device plugin the pod gets the guide\'s device nodes', () => {
  const server = objects({ devicePlugin: DevicePlugin.hostDevices() }).find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'chatglm-serve')!;
  const { volumes } = (server.spec as { template: { spec: { volumes: { hostPath?: { path: string } }[] } } }).template.spec;

  expect(volumes.flatMap(({ hostPath }) => hostPath?.path ?? [])).toEqual(expect.arrayContaining(['/dev/cambricon_dev0', '/dev/cambricon_ipcm0', '/dev/cambricon_ctl', '/usr/bin/cnmon']));
});

test.each<[string, Partial<CambriconChatglmChartProps>, string]>([
  ['a card whose memory nobody tells', { accelerator: Accelerator.MLU370_S4, platform: { devicePlugins: [DevicePlugin.cambricon()] } }, '[chatglm/serve] \'deviceMemory\' is needed: no source tells the memory of MLU370-S4; give it, or set \'skipMemoryCheck\''],
  ['another vendor\'s chip', { accelerator: Accelerator.BM1684X }, '[chatglm/serve] runtime \'cambricon-pytorch\' does not support BM1684X, which is supported by sophon'],
  ['an image that is not pinned', { image: 'pytorch' }, '\'image\' must be pinned by a full tag or a digest, got \'pytorch\''],
])('%s is refused', (_what, props, message) => {
  expect(messageOf(() => objects(props))).toBe(message);
});
