import { Size } from 'cdk8s';
import { Cpu, EnvValue } from 'cdk8s-plus-27';
import {
  Accelerator, Architecture, ArtifactFormat, DevicePlugin, EnvPreset, NodeType, Platform, type PlatformProps, Scheduler, SecurityLevel, type WorkloadOptions,
} from 'cdk8s-chatglm';

import { resolveDevices } from '../../../lib/accelerators/device-options';
import { Artifact } from '../../../lib/artifacts/artifact';
import { composeTask } from '../../../lib/pods/task-layers';
import type { Task } from '../../../lib/runtimes/task';
import { chartWith, STORE } from '../../support/synthesized';
import { thrownBy } from '../../support/thrown';

const TASK: Task = {
  name: 'serve', runtime: 'ours', image: 'registry.example/llm/image:1', command: ['run', '$(HOME)'], inputs: [], security: SecurityLevel.VENDOR_DEFAULT,
  fragment: { requests: { cpu: '4', memory: '20Gi' }, env: [{ name: 'LAYER', value: 'runtime' }] },
};

interface Wishes {
  readonly task?: Partial<Task>;
  readonly options?: WorkloadOptions;
  readonly platform?: PlatformProps;
  readonly accelerator?: Accelerator;
}

function pod({ task = {}, options = {}, platform: props = {}, accelerator }: Wishes) {
  const platform = Platform.of(chartWith(props));
  const devices = accelerator && resolveDevices(accelerator, { devices: 1, nodes: 1 }, {}, platform);
  return composeTask({ task: { ...TASK, ...task }, kind: { source: 'Deployment' }, platform, options, accelerator, devices });
}

test('a task\'s own name, image and command make the container', () => {
  expect(pod({}).spec.containers[0]).toMatchObject({ name: 'serve', image: 'registry.example/llm/image:1', command: ['run', '$$(HOME)'] });
});

test('props win over the platform, the platform over presets, presets over the plugin, the plugin over the runtime', () => {
  const custom = (env?: Record<string, string>) => DevicePlugin.custom({ name: 'ours', resourceName: 'corp.example/npu', accelerators: [Accelerator.BM1684X], ...(env && { env }) });
  const preset = EnvPreset.custom({ name: 'ours', variables: { LAYER: { value: 'preset', purpose: 'to win' } } });
  const layer = (wishes: Wishes) => pod({ accelerator: Accelerator.BM1684X, ...wishes }).spec.containers[0]?.env?.find(({ name }) => name === 'LAYER')?.value;

  expect(layer({ platform: { devicePlugins: [custom()] } })).toBe('runtime');
  expect(layer({ platform: { devicePlugins: [custom({ LAYER: 'plugin' })] } })).toBe('plugin');
  expect(layer({ platform: { devicePlugins: [custom({ LAYER: 'plugin' })] }, options: { presets: [preset] } })).toBe('preset');
  expect(layer({ platform: { devicePlugins: [custom({ LAYER: 'plugin' })] }, options: { presets: [preset], env: { LAYER: EnvValue.fromValue('props') } } })).toBe('props');
});

test('two presets that disagree are an error that names both', () => {
  const preset = (name: string, value: string) => EnvPreset.custom({ name, variables: { HCCL_BUFFSIZE: { value, purpose: 'size' } } });

  expect(thrownBy(() => pod({ options: { presets: [preset('ours', '110'), preset('theirs', '200')] } }))).toBe(
    'environment variable \'HCCL_BUFFSIZE\' is 110 from env preset \'ours\' but 200 from env preset \'theirs\'; '
    + 'remove one of them, or set it in the workload\'s own props, which win over both',
  );
});

test('all images are pulled from the platform\'s registry', () => {
  const awaited = Artifact.existing({ store: STORE, directory: 'weights', format: ArtifactFormat.BMODEL, marked: true });

  const { spec } = pod({ platform: { imageRegistry: 'harbor.corp.example/mirror' }, task: { inputs: [awaited] } });

  expect([...spec.containers, ...spec.initContainers ?? []].map(({ image }) => image)).toEqual(Array(2).fill('harbor.corp.example/mirror/llm/image:1'));
});

test('the caller\'s wishes are rendered', () => {
  const { spec, labels, annotations } = pod({
    options: {
      cpu: Cpu.units(8), memory: Size.gibibytes(32), nodeSelector: { zone: 'a' }, tolerations: [{ key: 'npu' }], priorityClassName: 'high', serviceAccountName: 'llm',
      podLabels: { team: 'ml' }, podAnnotations: { why: 'so' }, env: { COST: EnvValue.fromValue('$(5)') },
    },
  });

  expect(spec).toMatchObject({
    nodeSelector: { zone: 'a' }, tolerations: [{ key: 'npu', operator: 'Exists' }], priorityClassName: 'high', serviceAccountName: 'llm', automountServiceAccountToken: false,
  });
  expect(spec.containers[0]).toMatchObject({ resources: { requests: { cpu: '8', memory: '32768Mi' } }, env: [{ name: 'LAYER', value: 'runtime' }, { name: 'COST', value: '$$(5)' }] });
  expect({ labels, annotations }).toEqual({ labels: { team: 'ml' }, annotations: { why: 'so' } });
});

test('security is the caller\'s, else the platform\'s, else the task\'s', () => {
  const readOnly = (wishes: Wishes) => pod(wishes).spec.containers[0]?.securityContext?.readOnlyRootFilesystem;
  const { RESTRICTED, NON_ROOT } = SecurityLevel;

  expect(readOnly({ task: { security: RESTRICTED } })).toBe(true);
  expect(readOnly({ task: { security: RESTRICTED }, platform: { security: NON_ROOT } })).toBeUndefined();
  expect(readOnly({ platform: { security: NON_ROOT }, options: { security: RESTRICTED } })).toBe(true);
});

test('a privileged container is refused under a level that forbids it', () => {
  const wishes = { accelerator: Accelerator.BM1684X, platform: { devicePlugins: [DevicePlugin.hostDevices()], security: SecurityLevel.NON_ROOT } };

  expect(thrownBy(() => pod(wishes))).toBe(
    'DevicePlugin.hostDevices makes the container privileged, which does not go with a user other than root (security level \'non-root\'); use a device plugin, or leave both out for this workload',
  );
});

test('less memory than the task needs is refused', () => {
  expect(thrownBy(() => pod({ options: { memory: Size.gibibytes(19) } }))).toBe('\'memory\' must be at least 20Gi for this task, got 19Gi');
});

test('a variable that no shell could name is refused', () => {
  expect(thrownBy(() => pod({ options: { env: { '1ST': EnvValue.fromValue('x') } } }))).toBe(
    '\'env\' has \'1ST\': a variable\'s name has letters, digits, \'_\', \'-\' and \'.\' and does not start with a digit',
  );
});

test.each<[WorkloadOptions, string]>([
  [{ cpu: Cpu.units(0) }, '\'cpu\' must be positive, got 0'],
  [{ memory: Size.kibibytes(0) }, '\'memory\' must be at least 1 MiB, got 0Ki'],
  [{ env: { UNSET: EnvValue.fromProcess('NO_PROCESS_HAS_THIS') } }, '\'env\' has no value for \'UNSET\'; EnvValue.fromProcess gives none where the variable is unset'],
])('a wish that cannot be is refused: %#', (options, message) => {
  expect(thrownBy(() => pod({ options }))).toBe(message);
});

test('the pod goes where its image can run', () => {
  expect(pod({ task: { architecture: Architecture.ARM64 } }).spec.nodeSelector).toEqual({ 'kubernetes.io/arch': 'arm64' });
});

test('an image for another architecture than the server\'s is refused', () => {
  const wishes = {
    accelerator: Accelerator.BM1684X, task: { architecture: Architecture.AMD64 },
    platform: { nodeTypes: [NodeType.SE7], devicePlugins: [DevicePlugin.genericDevicePlugin({ name: 'tpu' })] },
  };

  expect(thrownBy(() => pod(wishes))).toBe('the image registry.example/llm/image:1 is for amd64, but SE7 is arm64; give an \'image\' for it');
});

test('the scheduler\'s wishes are in every pod', () => {
  const volcano = pod({ platform: { scheduler: Scheduler.volcano({ queue: 'llm' }) } });
  const kueue = pod({ platform: { scheduler: Scheduler.kueue({ queue: 'llm' }) } });

  expect(volcano.spec.schedulerName).toBe('volcano');
  expect(volcano.annotations).toEqual({ 'scheduling.volcano.sh/queue-name': 'llm' });
  expect(kueue.spec.schedulerName).toBeUndefined();
  expect(kueue.objectLabels).toEqual({ 'kueue.x-k8s.io/queue-name': 'llm' });
  expect(pod({}).spec.schedulerName).toBeUndefined();
});
