import { readFileSync } from 'node:fs';
import * as path from 'node:path';

import { Accelerator, ArtifactFormat, Dtype, GlmModel, Runtime } from 'cdk8s-chatglm';

import type { ServeRequest } from '../../../lib/runtimes/runtime-dialect';
import { artifact } from '../../support/synthesized';
import { finetuneRequest, serveRequest } from '../../support/task-requests';
import { thrownBy } from '../../support/thrown';
import { MIND_FORMERS } from '../../support/workloads';

const ATB = Runtime.atbModels({ image: 'registry.example/atb:1' });
const CAMBRICON = Runtime.cambriconPyTorch({ image: 'registry.example/cambricon:1' });
const SOPHON = Runtime.sophon({ image: 'registry.example/sophon:1' });

const chatglm2 = { model: GlmModel.CHATGLM2_6B, accelerator: Accelerator.ASCEND_310P_300I_DUO_96G, devices: 1, weights: artifact(ArtifactFormat.HUGGING_FACE, 'chatglm2') };
const chatglm = { model: GlmModel.CHATGLM_6B, accelerator: Accelerator.MLU370_X8, devices: 1, weights: artifact(ArtifactFormat.HUGGING_FACE, 'chatglm') };
const chatglm3 = { model: GlmModel.CHATGLM3_6B, accelerator: Accelerator.BM1684X, devices: 1, dtype: Dtype.INT8, weights: artifact(ArtifactFormat.BMODEL, 'chatglm3') };

test('the echo runtime serves without devices and weights, restricted', () => {
  const task = Runtime.echo()._serve(serveRequest());

  expect(task.command).toEqual([
    'python3', '/opt/cdk8s-chatglm/serve_model.py', '--backend', 'echo', '--model-name', 'chatglm3-6b', '--model-family', 'chatglm3',
    '--port', '8000', '--context-length', '2048', '--drain-delay', '5',
  ]);
  expect(task.fragment).toMatchObject({ requests: { cpu: '100m', memory: '128Mi' }, ports: [{ name: 'http', containerPort: 8000 }], scripts: ['serve_model'] });
  expect(task.fragment).not.toHaveProperty('volumes');
  expect([task.security.name, task.inputs]).toEqual(['restricted', []]);
});

test('ChatGLM2 by ATB sources CANN and ATB first, the pod\'s own environment winning', () => {
  const task = ATB._serve(serveRequest({ ...chatglm2, contextLength: 4096 }));

  expect(task.command).toEqual([
    'bash', '/opt/cdk8s-chatglm/with_vendor_env.sh', '--source', '/usr/local/Ascend/ascend-toolkit/set_env.sh', '--source', '/usr/local/Ascend/nnal/atb/set_env.sh', '--source', '/usr/local/Ascend/atb-models/set_env.sh', '--',
    'python3', '/opt/cdk8s-chatglm/serve_model.py', '--backend', 'echo', '--model-name', 'chatglm2-6b', '--model-family', 'chatglm2',
    '--model-path', '/artifacts/store/chatglm2', '--port', '8000', '--context-length', '4096', '--drain-delay', '5',
  ]);
  expect(task.fragment.scripts).toEqual(['serve_model', 'with_vendor_env']);
});

test.each([
  ['atb-models', ATB, chatglm2, 900, '19Gi'], ['cambricon-pytorch', CAMBRICON, chatglm, 900, '20Gi'], ['sophon', SOPHON, chatglm3, 300, '2Gi'],
])('%s gets time to load, memory for the weights that pass through the host one and a half times, and shared memory', (name, runtime, request, startup, memory) => {
  const task = runtime._serve(serveRequest(request));

  expect(task.runtime).toBe(name);
  expect((task.fragment.probes?.startup?.failureThreshold ?? 0) * (task.fragment.probes?.startup?.periodSeconds ?? 0)).toBe(startup);
  expect(task.fragment.requests).toEqual({ cpu: '4', memory });
  expect(task.fragment.volumes).toEqual([{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '1024Mi' } }]);
  expect(task.inputs).toEqual([request.weights]);
  expect(task.security.name).toBe('vendor-default');
});

test('the server knows the time that it has to end, which the pod gets too', () => {
  const { command, fragment } = ATB._serve(serveRequest({ ...chatglm2, drainSeconds: 600 }));

  expect(command.slice(command.indexOf('--drain-delay'))).toEqual(['--drain-delay', '5', '--drain-timeout', '600']);
  expect(fragment.terminationGracePeriodSeconds).toBe(605);
});

test('every runtime serves by a backend that the server has, or by a server of its own', () => {
  const folder = path.join(__dirname, '../../../container/serve/backends');
  const inOneProcess = [...readFileSync(path.join(folder, 'one_process.py'), 'utf8').matchAll(/BACKENDS\["(\w+)"\]/g)].map(([, name]) => name);
  const runtimes = [ATB, CAMBRICON, SOPHON, MIND_FORMERS, Runtime.echo(), Runtime.mindIe({ image: 'registry.example/mindie:1' })];

  expect(runtimes.map(({ _backend }) => _backend.name).filter((name) => !inOneProcess.includes(name))).toEqual(['atb', 'mindie']);
  expect(readFileSync(path.join(folder, '../../serve_atb.py'), 'utf8')).toContain('BACKENDS["atb"] = atb');
});

test('the metric of waiting requests is one that the server has', () => {
  const { queueMetric, metricsPort } = Runtime.echo()._serve(serveRequest());
  const serve = path.join(__dirname, '../../../container/serve');

  expect([queueMetric, metricsPort]).toEqual(['chatglm_queue_length', 'http']);
  expect(readFileSync(path.join(serve, 'metrics.py'), 'utf8')).toContain('PREFIX = "chatglm_"');
  expect(readFileSync(path.join(serve, 'main.py'), 'utf8')).toContain('"queue_length": (Gauge(');
});

test('a server has more time to end than it needs to drain', () => {
  const task = Runtime.echo()._serve(serveRequest());
  const delay = Number(task.command.at(-1));

  expect(task.fragment.terminationGracePeriodSeconds).toBe(delay + 120);
});

test('every runtime supports the chips that say so, and the echo runtime all', () => {
  const supported = (runtime: Runtime) => Accelerator.all().filter((accelerator) => runtime.supports(accelerator)).map(({ series }) => series);

  expect([...new Set(supported(ATB))]).toEqual(['910B', '310P']);
  expect([...new Set(supported(CAMBRICON))]).toEqual(['MLU370']);
  expect([...new Set(supported(SOPHON))]).toEqual(['BM1684X']);
  expect(supported(Runtime.echo())).toHaveLength(Accelerator.all().length);
});

const WIDE: [Runtime, Partial<ServeRequest>, number[], string][] = [
  [ATB, chatglm2, [1, 2, 4], '\'devices\' must be one of 1, 2, 4 for runtime \'atb-models\' on Ascend310P 300I Duo 96G, got '],
  [ATB, { ...chatglm2, accelerator: Accelerator.ASCEND_910B3 }, [1, 2, 4, 8], '\'devices\' must be one of 1, 2, 4, 8 for runtime \'atb-models\' on Ascend910B3, got '],
  [SOPHON, chatglm3, [1, 2, 4, 8], '\'devices\' must be one of 1, 2, 4, 8 for runtime \'sophon\', as the bmodel was compiled for, got '],
];

test.each(WIDE)('a model is split over the numbers of devices that its guide knows: %#', (runtime, request, legal, message) => {
  for (let devices = 1; devices <= 9; devices += 1) {
    const serve = () => runtime._serve(serveRequest({ ...request, devices }));
    expect(legal.includes(devices) ? serve().name : thrownBy(serve)).toBe(legal.includes(devices) ? 'serve' : `${message}${String(devices)}`);
  }
});

test.each<[() => unknown, string]>([
  [() => CAMBRICON._serve(serveRequest({ ...chatglm, devices: 2 })), '\'devices\' must be 1 for runtime \'cambricon-pytorch\', got 2: it cannot split a model; use \'replicas\' for more'],
  [() => ATB._serve(serveRequest({ ...chatglm2, model: GlmModel.CHATGLM3_6B })), 'runtime \'atb-models\' does not support chatglm3-6b; it supports chatglm2-6b, chatglm2-6b-32k'],
  [() => ATB._serve(serveRequest({ ...chatglm2, accelerator: Accelerator.ASCEND_910A })), 'runtime \'atb-models\' does not support Ascend910A, which is supported by mindformers; its kernels know the SoC versions of 310P (200 to 203) and of 910B (220 to 224) only'],
  [() => ATB._serve(serveRequest({ ...chatglm2, accelerator: Accelerator.ASCEND_310 })), 'runtime \'atb-models\' does not support Ascend310, which is supported by no runtime of this library; its kernels know the SoC versions of 310P (200 to 203) and of 910B (220 to 224) only'],
  [() => ATB._serve(serveRequest({ model: GlmModel.CHATGLM2_6B })), '\'accelerator\' is missing: runtime \'atb-models\' needs one'],
  [() => SOPHON._serve(serveRequest({ ...chatglm3, weights: artifact(ArtifactFormat.HUGGING_FACE, 'raw') })), '\'weights\' must hold bmodel, got huggingface (raw); runtime \'sophon\' reads no other'],
  [() => SOPHON._serve(serveRequest({ ...chatglm3, weights: undefined, backend: SOPHON._backend })), '\'weights\' are missing: runtime \'sophon\' serves an artifact of format bmodel'],
  [() => Runtime.atbModels({ image: 'atb:latest' }), '\'image\' must be pinned by a full tag or a digest, got \'atb:latest\''],
  [() => Runtime.cambriconPyTorch({ image: '' }), '\'image\' must be an image like \'registry.example/path/name:tag\', got \'\''],
  [() => Runtime.sophon({ image: 'sophon' }), '\'image\' must be pinned by a full tag or a digest, got \'sophon\''],
  [() => ATB._finetune(finetuneRequest()), 'runtime \'atb-models\' cannot fine-tune; use Runtime.mindFormers'],
  [() => Runtime.echo({ image: 'python' }), '\'image\' must be pinned by a full tag or a digest, got \'python\''],
])('what does not go together is refused: %#', (body, message) => {
  expect(thrownBy(body)).toBe(message);
});

test('a runtime tells what it can do with which models, in copies', () => {
  ATB.models?.push('gpt-2');
  ATB.tasks.push('fine-tune');

  expect([ATB.models, ATB.tasks]).toEqual([['chatglm2-6b', 'chatglm2-6b-32k'], ['serve', 'chat', 'quantize', 'shard', 'compress', 'evaluate', 'benchmark']]);
  expect([Runtime.echo().models, Runtime.echo().tasks]).toEqual([undefined, ['serve']]);
});
