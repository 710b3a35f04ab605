import { Accelerator, ArtifactFormat, Dtype, GlmModel, Runtime, ServingBackend } from 'cdk8s-chatglm';

import { Artifact } from '../../../lib/artifacts/artifact';
import type { ModelStepRequest } from '../../../lib/runtimes/step-requests';
import { artifact, CHIP, STORE } from '../../support/synthesized';
import { serveRequest } from '../../support/task-requests';
import { thrownBy } from '../../support/thrown';

const NPU = Runtime.torchNpu({ image: 'registry.example/torch-npu:1' });
const WEIGHTS = artifact(ArtifactFormat.HUGGING_FACE, 'chatglm3');
const STEP: ModelStepRequest = {
  model: GlmModel.CHATGLM3_6B, weights: WEIGHTS, accelerator: CHIP, devices: 1, dtype: Dtype.FLOAT16, contextLength: 2048,
  output: (format, definition) => Artifact._produced('made', STORE, format, definition),
};
const SURROUNDINGS = [
  'bash', '/opt/cdk8s-chatglm/with_vendor_env.sh', '--source', '/usr/local/Ascend/ascend-toolkit/set_env.sh', '--',
  'python3', '/opt/cdk8s-chatglm/check_start.py', '--vendor', 'ascend', '--devices', '1', '--',
];
const MODEL = ['--backend', 'transformers', '--model-name', 'chatglm3-6b', '--model-family', 'chatglm3', '--model-path', '/artifacts/store/chatglm3'];
const DEVICE = ['--backend-option', 'device=npu', '--backend-option', 'data-type=float16'];
const serve = (request: Partial<Parameters<typeof NPU._serve>[0]> = {}) => NPU._serve(serveRequest({ ...STEP, backend: NPU._backend, ...request }));

test('every published model is served by transformers on the device', () => {
  expect(serve().command).toEqual([
    ...SURROUNDINGS, 'python3', '/opt/cdk8s-chatglm/serve_model.py', ...MODEL, ...DEVICE, '--port', '8000', '--context-length', '2048', '--drain-delay', '5',
  ]);
  expect(GlmModel.all().map((model) => serve({ model }).command.includes(model.name))).toEqual(GlmModel.all().map(() => true));
});

test.each([Dtype.BFLOAT16, Dtype.FLOAT32])('a model is loaded in %s', (dtype) => {
  expect(serve({ dtype }).command).toContain(`data-type=${dtype}`);
});

test('prompts, speed and a terminal go through the same backend', () => {
  const commands = [
    NPU._step('predict', { ...STEP, prompts: '[]' }).command, NPU._step('benchmark', { ...STEP, sequencePairs: [], printResponse: false }).command, NPU._chat({ ...STEP, idleMinutes: 5 }).command,
  ];

  for (const [script, command] of [['answer_prompts', commands[0]!], ['benchmark_model', commands[1]!], ['chat_session', commands[2]!]] as const) {
    const start = command.indexOf(SURROUNDINGS[0]!);
    expect(command.slice(start, start + SURROUNDINGS.length + 2 + MODEL.length)).toEqual([...SURROUNDINGS, 'python3', `/opt/cdk8s-chatglm/${script}.py`, ...MODEL]);
    expect(command).toEqual(expect.arrayContaining(DEVICE));
  }
});

test('the echo backend checks no device', () => {
  const task = serve({ backend: ServingBackend.ECHO });

  expect(task.command).not.toContain('/opt/cdk8s-chatglm/check_start.py');
  expect(task.fragment.scripts).toEqual(['serve_model', 'with_vendor_env']);
});

test.each<[() => unknown, string]>([
  [() => serve({ devices: 2 }), '\'devices\' must be 1 for runtime \'torch-npu\', got 2: it cannot split a model; use \'replicas\' for more, or Runtime.mindIe or Runtime.atbModels'],
  [() => serve({ dtype: Dtype.INT8 }), '\'dtype\' must be one of float16, bfloat16, float32 for runtime \'torch-npu\', got int8'],
  [() => serve({ accelerator: Accelerator.ASCEND_910A }), 'runtime \'torch-npu\' does not support Ascend910A, which is supported by mindformers'],
  [() => serve({ weights: artifact(ArtifactFormat.MINDSPORE) }), '\'weights\' must hold huggingface, got mindspore (some-mindspore); runtime \'torch-npu\' reads no other'],
  [() => Runtime.torchNpu({ image: 'torch-npu' }), '\'image\' must be pinned by a full tag or a digest, got \'torch-npu\''],
])('what it cannot do is refused: %#', (program, message) => {
  expect(thrownBy(program)).toBe(message);
});
