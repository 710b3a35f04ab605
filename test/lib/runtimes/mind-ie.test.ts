import { Accelerator, ArtifactFormat, Dtype, GlmModel, Runtime, ServingBackend } from 'cdk8s-chatglm';

import type { ServeRequest } from '../../../lib/runtimes/runtime-dialect';
import type { ServeTask } from '../../../lib/runtimes/runtime-dialect';
import { mindIeFaults } from '../../support/mind-ie-schema';
import { artifact, CHIP } from '../../support/synthesized';
import { serveRequest } from '../../support/task-requests';
import { thrownBy } from '../../support/thrown';

const IMAGE = 'registry.example/mindie:2.2.RC1-800I-A2-py311-openeuler24.03-lts';
const MIND_IE = Runtime.mindIe({ image: IMAGE });
const WEIGHTS = artifact(ArtifactFormat.HUGGING_FACE, 'chatglm3');

function serve(request: Partial<ServeRequest> = {}, runtime = MIND_IE): ServeTask {
  return runtime._serve(serveRequest({ accelerator: CHIP, devices: 1, weights: WEIGHTS, backend: runtime._backend, ...request }));
}

interface Config {
  readonly ServerConfig: Record<string, unknown>;
  readonly BackendConfig: {
    readonly npuDeviceIds: number[][];
    readonly ModelDeployConfig: { readonly maxSeqLen: number; readonly maxInputTokenLen: number; readonly ModelConfig: Record<string, unknown>[] };
    readonly ScheduleConfig: { readonly maxPrefillTokens: number; readonly maxIterTimes: number };
  };
}

function configOf(task: ServeTask): Config {
  expect(task.fragment.files?.map(({ path }) => path)).toEqual(['/etc/cdk8s-chatglm/mindie.json']);
  return JSON.parse(task.fragment.files![0]!.text) as Config;
}

const CASES: [GlmModel, Accelerator, number, number][] = [
  GlmModel.CHATGLM2_6B, GlmModel.CHATGLM3_6B, GlmModel.CHATGLM3_6B_32K, GlmModel.GLM_4_9B, GlmModel.GLM_4_9B_CHAT,
].flatMap((model) => [2, 2048, model.maxSequenceLength].flatMap((contextLength): [GlmModel, Accelerator, number, number][] => [
  ...[1, 2, 4, 8].map((devices): [GlmModel, Accelerator, number, number] => [model, CHIP, devices, contextLength]),
  ...[1, 2, 4].map((devices): [GlmModel, Accelerator, number, number] => [model, Accelerator.ASCEND_310P_300I_DUO_96G, devices, contextLength]),
  [model, Accelerator.ASCEND_910C, 2, contextLength],
]));

test.each(CASES)('%s on %s x %i with %i tokens: a configuration that MindIE\'s facts allow', (model, accelerator, devices, contextLength) => {
  const config = configOf(serve({ model, accelerator, devices, contextLength }));
  const { npuDeviceIds, ModelDeployConfig: { maxSeqLen, maxInputTokenLen, ModelConfig }, ScheduleConfig: { maxPrefillTokens } } = config.BackendConfig;

  expect(mindIeFaults(config)).toEqual([]);
  expect(npuDeviceIds).toEqual([[0, 1, 2, 3, 4, 5, 6, 7].slice(0, devices)]);
  expect(ModelConfig).toMatchObject([{ worldSize: devices, modelName: model.name, modelWeightPath: '/artifacts/store/chatglm3', modelInstanceType: 'Standard' }]);
  expect(maxSeqLen).toBe(contextLength);
  expect(maxInputTokenLen).toBeLessThanOrEqual(maxSeqLen);
  expect(maxPrefillTokens).toBeGreaterThanOrEqual(maxInputTokenLen);
});

test('the facts refuse what MindIE refuses', () => {
  const config = configOf(serve());

  expect(mindIeFaults({ ...config, ServerConfig: { ...config.ServerConfig, port: 80, allowAllZeroIpListening: true } })).toEqual([
    '/ServerConfig/port must be >= 1024', '/ServerConfig/allowAllZeroIpListening must be equal to constant',
  ]);
  expect(mindIeFaults({ ...config, Unknown: 1 })).toEqual([' must NOT have additional properties']);
});

test('port, time-outs and the longest answer are those of the props', () => {
  const { ServerConfig, BackendConfig } = configOf(serve({ port: 9000, requestTimeoutSeconds: 120, contextLength: 8192 }));

  expect(ServerConfig).toMatchObject({ port: 9000, managementPort: 1026, metricsPort: 1027, tokenTimeout: 120, e2eTimeout: 120 });
  expect(BackendConfig.ScheduleConfig.maxIterTimes).toBe(8192);
});

test('a request may take longer than MindIE waits for one token', () => {
  const config = configOf(serve({ requestTimeoutSeconds: 65535 }));

  expect(config.ServerConfig).toMatchObject({ tokenTimeout: 3600, e2eTimeout: 65535 });
  expect(mindIeFaults(config)).toEqual([]);
});

const SET_ENV = ['/usr/local/Ascend/ascend-toolkit/set_env.sh', '/usr/local/Ascend/nnal/atb/set_env.sh'];
const DAEMON_SET_ENV = [...SET_ENV, '/usr/local/Ascend/atb-models/set_env.sh', '/usr/local/Ascend/mindie/set_env.sh'];
const SERVICE = '/usr/local/Ascend/mindie/latest/mindie-service';

test.each([
  ['the package', MIND_IE, SET_ENV, '/work', 'mindie_llm_server'],
  ['the daemon', Runtime.mindIe({ image: IMAGE, serviceDirectory: SERVICE }), DAEMON_SET_ENV, SERVICE, './bin/mindieservice_daemon'],
  ['another environment', Runtime.mindIe({ image: IMAGE, setEnvScripts: ['/opt/set_env.sh'] }), ['/opt/set_env.sh'], '/work', 'mindie_llm_server'],
])('%s is started with the devices checked and a configuration of its own', (_what, runtime, sources, workDir, program) => {
  const task = serve({ devices: 2 }, runtime);

  expect(task.command).toEqual([
    'bash', '/opt/cdk8s-chatglm/with_vendor_env.sh', ...sources.flatMap((file) => ['--source', file]), '--',
    'python3', '/opt/cdk8s-chatglm/check_start.py', '--vendor', 'ascend', '--devices', '2', '--',
    'python3', '/opt/cdk8s-chatglm/start_mindie.py', '--config', '/etc/cdk8s-chatglm/mindie.json', '--target', '/work/config.json', '--work-dir', workDir,
    '--drain-delay', '5', '--', program,
  ]);
  expect(task.fragment.scripts).toEqual(['check_start', 'start_mindie', 'with_vendor_env']);
});

test('the server listens on the pod\'s address, which probes need, and reads weights of another user', () => {
  const podIp = { fieldRef: { fieldPath: 'status.podIP' } };

  expect(serve().fragment.env).toEqual([
    { name: 'MIES_CONTAINER_IP', valueFrom: podIp }, { name: 'MIES_CONTAINER_MANAGEMENT_IP', valueFrom: podIp },
    { name: 'MINDIE_CHECK_INPUTFILES_PERMISSION', value: '0' }, { name: 'MINDIE_LOG_TO_STDOUT', value: '1' },
    { name: 'MIES_SERVICE_MONITOR_MODE', value: '1' },
  ]);
});

test('a server that is told to stop has time for its requests and for its own end', () => {
  expect(serve({ drainSeconds: 30 }).command.slice(-6)).toEqual(['--drain-delay', '5', '--drain-timeout', '30', '--', 'mindie_llm_server']);
  expect([serve(), serve({ drainSeconds: 30 })].map(({ fragment }) => fragment.terminationGracePeriodSeconds)).toEqual([5 + 120 + 25, 5 + 30 + 25]);
});

test('probes ask the management: a busy server leaves the Service and is not killed', () => {
  const { probes, ports, volumes, mounts } = serve({ devices: 4 }).fragment;

  expect(probes).toEqual({
    startup: { httpGet: { path: '/v2/health/ready', port: 'management' }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 90 },
    readiness: { httpGet: { path: '/v2/health/ready', port: 'management' }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
    liveness: { httpGet: { path: '/v2/health/live', port: 'management' }, periodSeconds: 20, timeoutSeconds: 10, failureThreshold: 6, terminationGracePeriodSeconds: 10 },
  });
  expect(ports).toEqual([{ name: 'http', containerPort: 8000 }, { name: 'management', containerPort: 1026 }, { name: 'metrics', containerPort: 1027 }]);
  expect(volumes).toEqual([{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '4096Mi' } }, { name: 'work', emptyDir: {} }]);
  expect(mounts).toEqual([{ name: 'dshm', mountPath: '/dev/shm' }, { name: 'work', mountPath: '/work' }]);
});

test('one device has shared memory for its workers and for eight tokenizers', () => {
  expect(serve().fragment.volumes?.[0]).toEqual({ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '2048Mi' } });
});

test('it runs on 910B, 910C and the 300I Duo alone', () => {
  const supported = Accelerator.all().filter((accelerator) => MIND_IE.supports(accelerator));

  expect([...new Set(supported.map(({ series, card }) => card ?? series))].sort()).toEqual(['300I Duo', '910B', '910C']);
});

test.each<[Partial<ServeRequest>, string]>([
  [{ backend: ServingBackend.ECHO }, '\'backend\' must be that of runtime \'mindie\', got echo: its server loads the model even where it is told to mock it; try a cluster with Runtime.echo'],
  [{ weights: undefined }, '\'weights\' are missing: runtime \'mindie\' serves an artifact of format huggingface'],
  [{ weights: artifact(ArtifactFormat.MINDSPORE) }, '\'weights\' must hold huggingface, got mindspore (some-mindspore); runtime \'mindie\' reads no other'],
  [{ model: GlmModel.CHATGLM_6B }, 'runtime \'mindie\' does not support chatglm-6b; it supports chatglm2-6b, chatglm3-6b, chatglm3-6b-32k, glm-4-9b, glm-4-9b-chat'],
  [{ accelerator: Accelerator.ASCEND_910A }, 'runtime \'mindie\' does not support Ascend910A, which is supported by mindformers'],
  [{ accelerator: Accelerator.ASCEND_310P_300I_PRO }, 'runtime \'mindie\' does not support Ascend310P 300I Pro, which is supported by atb-models'],
  [{ devices: 3 }, '\'devices\' must be one of 1, 2, 4, 8 for runtime \'mindie\' on Ascend910B3, got 3'],
  [{ accelerator: Accelerator.ASCEND_310P_300I_DUO_48G, devices: 8 }, '\'devices\' must be one of 1, 2, 4 for runtime \'mindie\' on Ascend310P 300I Duo 48G, got 8'],
  [{ model: GlmModel.GLM_4_9B_CHAT, dtype: Dtype.INT8 }, '\'dtype\' must be float16 or bfloat16 for glm-4-9b-chat with runtime \'mindie\', which computes in what the weights\' config.json says, got int8'],
  [{ dtype: Dtype.BFLOAT16 }, '\'dtype\' must be float16 for chatglm3-6b with runtime \'mindie\', which computes in what the weights\' config.json says, got bfloat16'],
  [{ accelerator: Accelerator.ASCEND_910C, devices: 8 }, '\'devices\' must be one of 2, 4 for runtime \'mindie\' on Ascend910C, got 8'],
  ...[1026, 1027, 1120].map((port): [Partial<ServeRequest>, string] => [{ port }, `'containerPort' must not be ${String(port)}: runtime 'mindie' has 1026, 1027, 1120 for itself`]),
  [{ contextLength: 1 }, '\'contextLength\' must be at least 2 for runtime \'mindie\', a token to read and one to write, got 1'],
  [{ apiKeys: { secretName: 'keys', key: 'api-keys' } }, '\'apiKeysSecret\' does not go with runtime \'mindie\', which checks no keys; let the Ingress do it'],
  [{ queueSize: 8 }, '\'queueSize\' does not go with runtime \'mindie\', which has a queue of its own'],
  [{ requestTimeoutSeconds: 65536 }, '\'requestTimeout\' must be at most 65535 seconds for runtime \'mindie\', got 65536'],
])('what MindIE cannot do is refused: %#', (request, message) => {
  expect(thrownBy(() => serve(request))).toBe(message);
});

test('an image that moves is refused', () => {
  expect(thrownBy(() => Runtime.mindIe({ image: 'mindie:latest' }))).toBe('\'image\' must be pinned by a full tag or a digest, got \'mindie:latest\'');
});
