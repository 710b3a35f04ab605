import { Chart, Size, Testing } from 'cdk8s';
import { Container, Cpu, EnvValue, Probe, ResourceFieldPaths } from 'cdk8s-plus-27';

import {
  Accelerator, CambriconMode, DevicePlugin, DownloadWeights, GlmModel, InferenceDeployment, Platform, Runtime, Scheduler, ServingBackend, Vendor, WeightSource, WorkloadKind,
} from 'cdk8s-chatglm';

import { messageOf, refuses } from '../support/bad-input';
import { fragmentOf } from '../support/device-fragment';
import { podOf } from '../support/pod-of';
import { chartWith, everyVendor, only, STORE, synthesized } from '../support/synthesized';
import { finetune, serve } from '../support/workloads';

const CCE = { ...everyVendor(), devicePlugins: [DevicePlugin.cce()], scheduler: Scheduler.volcano() };
const NEW_CHIP = Accelerator.custom({ name: 'Ascend950PR', vendor: Vendor.HUAWEI, series: '950', dtypes: Accelerator.ASCEND_910B3.dtypes });

refuses([
  [
    'a proxy that has to be reached by TLS', () => Platform.attach(new Chart(Testing.app(), 'a'), { httpsProxy: 'https://proxy.corp.example:3129' }),
    '\'httpsProxy\' of the platform must be reached by http://, which downloads tunnel through; https:// proxies are not supported',
  ],
  [
    'a setting behind the back of its prop', () => finetune({ settings: { 'parallel_config.data_parallel': '4' } }),
    '[test/finetune] \'settings\' has \'parallel_config.data_parallel\', which has a prop of its own: set \'dataParallel\', which is checked',
  ],
  [
    'a slice that is larger than the chip', () => serve({ accelerator: Accelerator.ASCEND_910B3, devicePlugin: DevicePlugin.hami({ deviceMemory: Size.gibibytes(200) }) }),
    '[test/chat] \'deviceMemory\' of a HAMi slice must be at most 64Gi on Ascend910B3, got 200Gi',
  ],
  [
    'a MIM slice that the model does not fit in', () => serve({
      model: GlmModel.CHATGLM_6B, accelerator: Accelerator.MLU370_X8, devicePlugin: DevicePlugin.cambricon({ mode: CambriconMode.mim('1m.4gb') }),
    }),
    '[test/chat] chatglm-6b needs 14.1 GiB on each of 1 devices to serve in float16 with 1 x 2048 tokens, and the slice of MLU370-X8 has 4.0 GiB: 10.1 GiB too little; '
      + 'splitting the model over 8 times as many devices would fit, or set \'skipMemoryCheck\'',
  ],
  [
    'a chip that is younger than the release', () => fragmentOf(DevicePlugin.mindCluster({ version: '7.2.RC1' }), { accelerator: NEW_CHIP }),
    'Ascend950PR is known to MindCluster from 26.0 on, got version 7.2.RC1',
  ],
  [
    'MindCluster\'s kind without MindCluster', () => finetune({ workload: WorkloadKind.ASCEND_JOB }, CCE),
    '[test/finetune] \'workload\' AscendJob is run by MindCluster\'s operator, which does not come with CCE; use another kind',
  ],
  [
    'a chart whose id begins with a digit', () => new InferenceDeployment(new Chart(Testing.app(), '6b'), 'chat', { model: GlmModel.CHATGLM3_6B, runtime: Runtime.echo() }),
    '[6b/chat] the id of a chart begins the names of Services, so it must begin with a letter, got \'6b\'',
  ],
  [
    'a resource in Kubernetes\' own domain',
    () => DevicePlugin.custom({ name: 'mine', resourceName: 'kubernetes.io/npu', accelerators: [NEW_CHIP] }),
    '\'resourceName\' must be an extended resource like \'example.com/npu\', got \'kubernetes.io/npu\'',
  ],
  [
    'a domain of Kubernetes', () => DevicePlugin.genericDevicePlugin({ domain: 'kubernetes.io', name: 'bm1684x' }),
    '\'domain\' of the generic device plugin must not be kubernetes.io, which Kubernetes keeps for itself',
  ],
]);

test('more memory for a download raises its limit as well', () => {
  const chart = chartWith();

  new DownloadWeights(chart, 'weights', {
    store: STORE, model: GlmModel.CHATGLM2_6B, source: WeightSource.huggingFace(GlmModel.CHATGLM2_6B, { runtime: 'atb-models' }), memory: Size.gibibytes(2),
  });

  expect(podOf(only(synthesized(chart), 'Job')).container.resources).toMatchObject({ requests: { memory: '2048Mi' }, limits: { memory: '2048Mi' } });
});

test('a quantity in a variable is a quantity in the manifest', () => {
  const container = new Container({ name: 'serve', image: 'x:1', resources: { cpu: { limit: Cpu.units(1) } }, startup: Probe.fromCommand(['true']) });
  const env = { CPUS: EnvValue.fromResource(ResourceFieldPaths.CPU_REQUEST, { divisor: '1m', container }) };

  const { env: rendered } = podOf(only(serve({ env }), 'Deployment')).container;

  expect(rendered).toContainEqual({ name: 'CPUS', valueFrom: { resourceFieldRef: { containerName: 'serve', divisor: '1m', resource: 'requests.cpu' } } });
});

test('a process in a privileged container is told which devices are its own', () => {
  const visible = (accelerator: Accelerator) => fragmentOf(DevicePlugin.hostDevices({ deviceIds: [4, 5] }), { accelerator, devices: 2 }).env;

  expect(visible(Accelerator.ASCEND_910B3)).toEqual([{ name: 'ASCEND_RT_VISIBLE_DEVICES', value: '4,5' }]);
  expect(visible(Accelerator.MLU370_X8)).toEqual([{ name: 'MLU_VISIBLE_DEVICES', value: '4,5' }]);
  expect(visible(Accelerator.BM1684X)).toEqual([{ name: 'SOPHON_DEVICES', value: '4,5' }]);
});

test('the memory of a device that the caller says reaches MindSpore', () => {
  expect(JSON.stringify(finetune({ deviceMemory: Size.gibibytes(40), skipMemoryCheck: true }))).toContain('--context.max_device_memory=37GB');
});

test('a fine-tune of one\'s own is served where its generation is', () => {
  const mine = GlmModel.custom({
    name: 'support-bot', family: GlmModel.CHATGLM2_6B.family, shape: GlmModel.CHATGLM2_6B.shape, weightsBytes: 12e9, maxSequenceLength: 8192, license: 'mine',
  });

  const runtime = Runtime.atbModels({ image: 'registry.corp.example/atb:1.0' });
  const accelerator = Accelerator.ASCEND_310P_300I_DUO_96G;

  expect(() => serve({ model: mine, runtime, accelerator, backend: ServingBackend.ECHO })).not.toThrow();
  expect(messageOf(() => serve({ model: GlmModel.CHATGLM3_6B, runtime, accelerator, backend: ServingBackend.ECHO })))
    .toBe('[test/chat] runtime \'atb-models\' does not support chatglm3-6b; it supports chatglm2-6b, chatglm2-6b-32k');
});

test('a 910A is found by any of its labels from 26.1 on', () => {
  expect(fragmentOf(DevicePlugin.mindCluster({ version: '26.1' }), { accelerator: Accelerator.ASCEND_910A }).affinity?.nodeAffinity).toEqual({
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'node.kubernetes.io/npu.chip.name', operator: 'In', values: ['910A', '910PremiumA', '910ProA', '910ProB'] }] }],
    },
  });
  expect(fragmentOf(DevicePlugin.mindCluster({ version: '26.0' }), { accelerator: Accelerator.ASCEND_910A }).affinity).toBeUndefined();
});
