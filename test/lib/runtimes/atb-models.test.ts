import { Accelerator, type Artifact, ArtifactFormat, Dtype, GlmModel, Runtime, ServingBackend } from 'cdk8s-chatglm';

import type { ServeRequest, ServeTask } from '../../../lib/runtimes/runtime-dialect';
import type { StepRequests } from '../../../lib/runtimes/step-requests';
import type { StepTask } from '../../../lib/runtimes/task';
import { ATB, CHATGLM2, MODEL_LINK, MODEL_STEP, STEP } from '../../support/atb';
import { artifact, CHIP } from '../../support/synthesized';
import { serveRequest } from '../../support/task-requests';
import { thrownBy } from '../../support/thrown';

const DUO = Accelerator.ASCEND_310P_300I_DUO_96G;
const PRO = Accelerator.ASCEND_310P_300I_PRO;
const CEVAL = artifact(ArtifactFormat.DATASET, 'ceval');
const W8A8 = artifact(ArtifactFormat.ATB_QUANTIZED, 'w8a8');
const SPARSE = artifact(ArtifactFormat.ATB_SPARSE_QUANTIZED, 'sparse');

const TOOLKIT = ['bash', '/opt/cdk8s-chatglm/with_vendor_env.sh', '--source', '/usr/local/Ascend/ascend-toolkit/set_env.sh'];
const SERVING = [...TOOLKIT, '--source', '/usr/local/Ascend/nnal/atb/set_env.sh', '--source', '/usr/local/Ascend/atb-models/set_env.sh', '--'];
const CHECK = ['python3', '/opt/cdk8s-chatglm/check_start.py', '--vendor', 'ascend', '--devices'];
const checked = (devices: number): string[] => [...CHECK, String(devices), '--package', 'transformers==4.30.2', '--package', 'atb_speed==1.0.8', '--'];
const made = ({ output }: StepTask, ...require: string[]): string[] => [
  'python3', '/opt/cdk8s-chatglm/run_task.py', '--output', output.path, '--name', 'made', '--lineage', output.lineage, '--format', output.format.name,
  ...require.flatMap((pattern) => ['--require', pattern]), '--',
];
const script = (name: string): string[] => ['python3', `/opt/cdk8s-chatglm/${name}.py`];
const TREE = ['--tree', '/artifacts/store/modellink'];

function step<Name extends keyof StepRequests>(name: Name, request: Partial<StepRequests[Name]>): StepTask {
  return ATB._step(name, { ...STEP, ...request } as unknown as StepRequests[Name]);
}

const shard = (request: Partial<StepRequests['shard']>): StepTask => step('shard', { weights: CHATGLM2, tensorParallel: 2, ...request });
const compress = (from: Artifact): StepTask => step('compress', { from });
const quantize = (request: Partial<StepRequests['quantize']>): StepTask => step('quantize', { weights: CHATGLM2, calibration: CEVAL, calibrationFile: 'val/a.jsonl', sparse: false, ...request });
const evaluate = (request: Partial<StepRequests['evaluate']>): StepTask => step('evaluate', { ...MODEL_STEP, dataset: CEVAL, minimumScores: {}, settings: {}, ...request });
const benchmark = (request: Partial<StepRequests['benchmark']>): StepTask => step('benchmark', { ...MODEL_STEP, sequencePairs: [[256, 256]], printResponse: false, ...request });

function serve(request: Partial<ServeRequest>): ServeTask {
  return ATB._serve(serveRequest({ model: GlmModel.CHATGLM2_6B, accelerator: CHIP, devices: 1, weights: CHATGLM2, backend: ATB._backend, ...request }));
}

describe('quantizing', () => {
  test.each([[false, 'w8a8', 'atb-quantized'], [true, 'sparse', 'atb-sparse-quantized']])('sparse %s: by ModelSlim, on the processor', (sparse, precision, format) => {
    const task = quantize({ sparse, accelerator: undefined });

    expect(task).toMatchObject({ image: 'registry.example/modelslim:1', inputs: [MODEL_LINK, CHATGLM2, CEVAL], devices: undefined });
    expect(task.output.format.name).toBe(format);
    expect(task.command).toEqual([
      ...made(task, '*.npy'), ...TOOLKIT, '--', ...script('quantize_weights'), ...TREE, '--source', '/artifacts/store/chatglm2',
      '--dataset', '/artifacts/store/ceval', '--calibration', 'val/a.jsonl', '--precision', precision, '--output', task.output.path,
    ]);
    expect(task.fragment.requests).toEqual({ cpu: '16', memory: '64Gi' });
  });
});

describe('cutting', () => {
  test.each<[string, Partial<StepRequests['shard']>, string[], string]>([
    ['16 bits', { tensorParallel: 4 }, ['--tp-size', '4', '--precision', 'float'], 'atb-sharded'],
    ['8 bits for one device', { tensorParallel: 1, quantized: W8A8 }, ['--quantized', W8A8.path, '--tp-size', '1', '--precision', 'w8a8'], 'atb-quantized-sharded'],
    ['sparse weights', { quantized: SPARSE, accelerator: DUO }, ['--quantized', SPARSE.path, '--tp-size', '2', '--precision', 'sparse'], 'atb-sparse-sharded'],
  ])('%s: on one device, which the script computes with in every mode', (_what, request, words, format) => {
    const task = shard(request);

    expect(task.output.format.name).toBe(format);
    expect(task.devices).toBe(1);
    expect(task.inputs).toEqual([MODEL_LINK, CHATGLM2, ...(request.quantized ? [request.quantized] : [])]);
    expect(task.command).toEqual([
      ...made(task, 'config.json'), ...SERVING, ...CHECK, '1', '--package', 'transformers==4.30.2', '--', ...script('shard_weights'), ...TREE, '--source', '/artifacts/store/chatglm2', ...words, '--output', task.output.path,
    ]);
  });

  test('every size and every form has a directory of its own, the chip none', () => {
    const directories = [{ tensorParallel: 2 }, { tensorParallel: 4 }, { quantized: W8A8 }, { tensorParallel: 4, quantized: W8A8 }, { quantized: artifact(ArtifactFormat.ATB_QUANTIZED, 'other') }]
      .map((request) => shard(request).output.directory);

    expect(new Set(directories).size).toBe(5);
    expect(shard({ accelerator: DUO }).output.directory).toBe(directories[0]);
  });
});

test('compressing reads the shards of two devices', () => {
  const shards = shard({ quantized: SPARSE, accelerator: DUO }).output;
  const task = compress(shards);

  expect(task).toMatchObject({ image: 'registry.example/modelslim:1', inputs: [MODEL_LINK, shards], devices: undefined });
  expect(task.command).toEqual([
    ...made(task, 'compress*/info/*'), ...TOOLKIT, '--', ...script('compress_weights'), ...TREE, '--source', shards.path, '--output', task.output.path,
  ]);
});

test('the compressor is built first where the image has none', () => {
  const runtime = Runtime.atbModels({
    image: 'registry.example/atb:1', modelSlimImage: 'registry.example/modelslim:1', sourceTree: MODEL_LINK, compressorToolkit: '/usr/local/Ascend/ascend-toolkit', modelSlimSetEnvScripts: [],
  });
  const { command, fragment } = runtime._step('compress', { ...STEP, from: artifact(ArtifactFormat.ATB_SPARSE_SHARDED) });

  expect(command.slice(-4)).toEqual(['--build-graph', '/usr/local/Ascend/ascend-toolkit', '--output', expect.stringMatching(/^\/artifacts\/store\/made-/)]);
  expect(fragment.scripts).toEqual(['run_task', 'compress_weights']);
});

/** Words that say which weights run, by what a server or a measurement is asked with. */
function forms(): [string, Partial<ServeRequest>, string[], Record<string, string>, Artifact[]][] {
  const w8a8 = shard({ tensorParallel: 2, quantized: W8A8 }).output;
  const float = shard({ tensorParallel: 8 }).output;
  const shards = shard({ quantized: SPARSE, accelerator: DUO }).output;
  const compressed = compress(shards).output;
  const tree = MODEL_LINK.path;
  return [
    ['16 bits on one device', {}, ['--model-path', CHATGLM2.path, '--tp-size', '1', '--precision', 'float'], { tree, precision: 'float' }, [CHATGLM2]],
    ['16 bits on eight', { devices: 8, weights: float }, ['--model-path', float.path, '--tp-size', '8', '--precision', 'float'], { tree, precision: 'float' }, [float]],
    ['8 bits', { devices: 2, weights: w8a8, dtype: Dtype.INT8 }, ['--model-path', w8a8.path, '--tp-size', '2', '--precision', 'w8a8'], { tree, precision: 'w8a8' }, [w8a8]],
    [
      'sparse', { devices: 2, weights: compressed, dtype: Dtype.INT8, accelerator: DUO },
      ['--model-path', shards.path, '--compressed', compressed.path, '--tp-size', '2', '--precision', 'sparse'], { tree, precision: 'sparse', compressed: compressed.path }, [shards, compressed],
    ],
  ];
}

describe.each(forms())('%s', (_what, request, words, options, inputs) => {
  const { devices = 1 } = request;

  test('is served by one rank a device, which meet on a free port', () => {
    const task = serve(request);

    expect(task.command).toEqual([
      ...SERVING, ...checked(devices), ...script('launch'), '--kind', 'server', '--rank-env', 'torch', '--devices', String(devices), '--grace', '125', '--',
      ...script('serve_atb'), '--backend', 'atb', '--model-name', 'chatglm2-6b', '--model-family', 'chatglm2', '--model-path', inputs[0]!.path,
      ...Object.entries(options).flatMap(([key, value]) => ['--backend-option', `${key}=${value}`]),
      '--port', '8000', '--context-length', '2048', '--drain-delay', '5',
    ]);
    expect(task.inputs).toEqual([inputs[0], MODEL_LINK, ...inputs.slice(1)]);
    expect(task.fragment.scripts).toEqual(['serve_atb', 'with_vendor_env', 'launch', 'check_start']);
    expect(task.fragment.terminationGracePeriodSeconds).toBe(135);
  });

  test('is measured on C-Eval, the score checked and recorded', () => {
    const task = evaluate({ ...request, minimumScores: { accuracy: 0.5 } });
    const { path } = task.output;

    expect(task).toMatchObject({ inputs: [MODEL_LINK, ...inputs, CEVAL], devices });
    expect(task.command).toEqual([
      ...made(task, 'result.json'), ...SERVING, ...checked(devices),
      ...script('evaluate'), '--metrics', `json:${path}/ceval.json`, '--model', 'chatglm2-6b', '--output', path, '--minimum', 'accuracy=0.5', '--',
      ...script('atb_evaluate'), ...TREE, ...words, '--batch', '8', '--work-dir', '/work/run', '--grace', '20', '--mode', 'dataset', '--dataset', CEVAL.path, '--output', path,
    ]);
  });

  test('is measured for speed', () => {
    const task = benchmark({ ...request, sequencePairs: [[256, 256], [8192, 1024]], batchSize: 4, printResponse: true });

    expect(task.command).toEqual([
      ...made(task, 'result.json', 'performance.csv'), ...SERVING, ...checked(devices),
      ...script('atb_benchmark'), ...TREE, ...words, '--batch', '4', '--work-dir', '/work/run', '--grace', '20', '--model-name', 'chatglm2-6b',
      '--pairs', '256:256,8192:1024', '--print-response', '--output', task.output.path,
    ]);
  });
});

describe('the host\'s memory', () => {
  const memory = ({ fragment }: Pick<StepTask, 'fragment'>) => fragment.requests?.memory;
  const [float1, float8, w8a8, sparse] = forms().map(([, request]) => request);

  test.each<[string, Partial<ServeRequest> | undefined, string]>([
    ['the whole model on one device', float1, '14Gi'],
    ['eight processes with an eighth of it each', float8, '32Gi'],
    ['each of two processes with its half and all quantized weights', w8a8, '28Gi'],
    ['sparse weights as quantized ones', sparse, '28Gi'],
  ])('holds %s', (_what, request, expected) => {
    expect(memory(serve(request!))).toBe(expected);
    expect(memory(benchmark(request!))).toBe(expected);
    expect(memory(evaluate(request!))).toBe(expected);
  });

  test('holds quantized weights for one device, and a chat', () => {
    const weights = shard({ tensorParallel: 1, quantized: W8A8 }).output;

    expect(memory(serve({ weights, dtype: Dtype.INT8 }))).toBe('20Gi');
    expect(memory(ATB._chat({ ...MODEL_STEP, weights, dtype: Dtype.INT8, idleMinutes: 30 }))).toBe('20Gi');
    expect(memory(ATB._chat({ ...MODEL_STEP, idleMinutes: 30 }))).toBe('14Gi');
  });

  test('is small without a model', () => {
    expect(memory(serve({ weights: undefined, backend: ServingBackend.ECHO }))).toBe('1Gi');
  });
});

test('one question is answered without a data set', () => {
  const task = evaluate({ settings: { mode: 'single' } });

  expect(task.inputs).toEqual([MODEL_LINK, CHATGLM2]);
  expect(task.output.format.name).toBe('answers');
  expect(task.command.slice(-4)).toEqual(['--mode', 'single', '--output', task.output.path]);
  expect(task.fragment.scripts).toEqual(['run_task', 'atb_evaluate', 'with_vendor_env', 'check_start']);
});

test('a higher minimum is measured anew', () => {
  expect(evaluate({ minimumScores: { accuracy: 0.5 } }).output.directory).not.toBe(evaluate({ minimumScores: { accuracy: 0.6 } }).output.directory);
});

test('a chat has one device and no launcher between it and the terminal', () => {
  const task = ATB._chat({ ...MODEL_STEP, idleMinutes: 30 });

  expect(task.command).toEqual([
    ...SERVING, ...checked(1), ...script('chat_atb'), '--backend', 'atb', '--model-name', 'chatglm2-6b', '--model-family', 'chatglm2', '--model-path', CHATGLM2.path,
    '--context-length', '2048', '--backend-option', `tree=${MODEL_LINK.path}`, '--backend-option', 'precision=float', '--idle-minutes', '30',
  ]);
  expect(task.fragment.terminal).toBe(true);
  expect(task.fragment.scripts).toEqual(['chat_atb', 'with_vendor_env', 'check_start']);
});

describe('the environment', () => {
  const GUIDE = { HCCL_OP_BASE_FFTS_MODE_ENABLE: 'TRUE', TASK_QUEUE_ENABLE: '1', ATB_OPERATION_EXECUTE_ASYNC: '1', ATB_LAYER_INTERNAL_TENSOR_REUSE: '1' };
  const env = ({ fragment }: Pick<StepTask, 'fragment'>) => Object.fromEntries((fragment.env ?? []).map(({ name, value }) => [name, value]));

  test('is the guide\'s, with the small buffer and the second stream on 310P only', () => {
    const on310p = { ...GUIDE, HCCL_BUFFSIZE: '110', ATB_USE_TILING_COPY_STREAM: '1' };

    expect(env(serve({}))).toEqual({ ...GUIDE, MAX_SEQ_LEN: '2048' });
    expect(env(serve({ accelerator: DUO }))).toEqual({ ...on310p, MAX_SEQ_LEN: '2048' });
    expect(env(benchmark({ accelerator: PRO }))).toEqual(on310p);
    expect(env(shard({}))).toEqual(GUIDE);
  });

  test('makes room for the context in whole blocks', () => {
    expect(env(serve({ contextLength: 4090 })).MAX_SEQ_LEN).toBe('4096');
  });

  test('names the node\'s address on the node\'s network', () => {
    expect(serve({ hostNetwork: true }).fragment.env).toContainEqual({ name: 'HCCL_IF_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } });
    expect(env(serve({}))).not.toHaveProperty('HCCL_IF_IP');
  });

  test('leaves the switches of the precision to the scripts, which exclude each other there', () => {
    const names = forms().flatMap(([, request]) => Object.keys(env(serve(request))));

    expect(names.filter((name) => /^(ENABLE_|QUANT_|COMPRESS_)/.test(name))).toEqual([]);
  });
});

const SHARDED = shard({ tensorParallel: 4 }).output;
const QUANTIZED_SHARDED = shard({ tensorParallel: 2, quantized: W8A8 }).output;
const COMPRESSED = compress(shard({ quantized: SPARSE, accelerator: DUO }).output).output;
const UNKNOWN = artifact(ArtifactFormat.ATB_COMPRESSED, 'unknown');
const RAW = Runtime.atbModels({ image: 'registry.example/atb:1' });

test.each<[string, () => unknown, string]>([
  ['sparse weights for 910B', () => quantize({ sparse: true }), 'sparse weights run on an Atlas 300I Duo only, got Ascend910B3; use W8A8 weights there'],
  ['sparse weights for another 310P', () => shard({ quantized: SPARSE, accelerator: PRO }), 'sparse weights run on an Atlas 300I Duo only, got Ascend310P 300I Pro; use W8A8 weights there'],
  ['sparse weights over four devices', () => shard({ quantized: SPARSE, accelerator: DUO, tensorParallel: 4 }), 'sparse weights can only be compressed for 2 devices, got 4'],
  ['three parts', () => shard({ tensorParallel: 3 }), '\'tensorParallel\' must be one of 1, 2, 4, 8 for runtime \'atb-models\' on Ascend910B3, got 3'],
  ['eight parts for 310P', () => shard({ tensorParallel: 8, accelerator: DUO }), '\'tensorParallel\' must be one of 1, 2, 4 for runtime \'atb-models\' on Ascend310P 300I Duo 96G, got 8'],
  ['one part of 16 bits', () => shard({ tensorParallel: 1 }), '\'tensorParallel\' is 1: weights in 16 bits run on one device as they are; give them to InferenceDeployment, or give \'quantized\''],
  ['shards as weights to cut', () => shard({ weights: SHARDED }), `'weights' must hold huggingface, got atb-sharded (${SHARDED.directory}); published weights are cut`],
  ['weights as quantized ones', () => shard({ quantized: CHATGLM2 }), '\'quantized\' must hold atb-quantized or atb-sparse-quantized, got huggingface (chatglm2); QuantizeWeights makes them'],
  ['shards that are not sparse', () => compress(QUANTIZED_SHARDED), `'from' must hold atb-sparse-sharded, got atb-quantized-sharded (${QUANTIZED_SHARDED.directory}); ShardWeights makes them of sparse quantized weights`],
  ['a text as data set', () => quantize({ calibration: artifact(ArtifactFormat.ANSWERS) }), '\'calibration\' must hold dataset, got answers (some-answers); DownloadFiles with ArtifactFormat.DATASET makes one'],
  ['shards of four devices on two', () => serve({ devices: 2, weights: SHARDED }), `'devices' is 2, but the weights ${SHARDED.directory} were cut for 4; cut them again by ShardWeights`],
  ['shards of four devices measured on two', () => benchmark({ devices: 2, weights: SHARDED }), `'devices' is 2, but the weights ${SHARDED.directory} were cut for 4; cut them again by ShardWeights`],
  ['whole weights on two devices', () => serve({ devices: 2 }), '\'weights\' must hold atb-sharded for 2 devices, got huggingface (chatglm2); ShardWeights cuts them'],
  ['8 bits taken for 16', () => serve({ devices: 2, weights: QUANTIZED_SHARDED }), '\'dtype\' must be int8 for atb-quantized-sharded weights on runtime \'atb-models\', got float16'],
  ['16 bits taken for 8', () => serve({ dtype: Dtype.INT8 }), '\'dtype\' must be float16 for huggingface weights on runtime \'atb-models\', got int8'],
  ['sparse weights served on 910B', () => serve({ devices: 2, weights: COMPRESSED, dtype: Dtype.INT8 }), 'sparse weights run on an Atlas 300I Duo only, got Ascend910B3; use W8A8 weights there'],
  ['compressed weights whose shards nobody knows', () => serve({ devices: 2, weights: UNKNOWN, dtype: Dtype.INT8, accelerator: DUO }), '\'weights\' unknown are compressed, but the shards that they belong to are not known; use the artifact of CompressWeights'],
  ['910A', () => shard({ accelerator: Accelerator.ASCEND_910A }), 'runtime \'atb-models\' does not support Ascend910A, which is supported by mindformers; its kernels know the SoC versions of 310P (200 to 203) and of 910B (220 to 224) only'],
  ['an unknown setting', () => evaluate({ settings: { shots: '5' } }), '\'settings\' of runtime \'atb-models\' has \'shots: 5\'; it knows \'mode: dataset\' and \'mode: single\''],
  ['a percentage', () => evaluate({ minimumScores: { accuracy: 50 } }), '\'minimumScores\' has \'accuracy: 50\'; runtime \'atb-models\' measures \'accuracy\' and \'accuracy/<category>/<subject>\', from 0 to 1'],
  ['a metric that is not measured', () => evaluate({ minimumScores: { 'rouge-l': 0.5 } }), '\'minimumScores\' has \'rouge-l: 0.5\'; runtime \'atb-models\' measures \'accuracy\' and \'accuracy/<category>/<subject>\', from 0 to 1'],
  ['a minimum of one question', () => evaluate({ settings: { mode: 'single' }, minimumScores: { accuracy: 1 } }), '\'minimumScores\' do not go with the setting \'mode: single\', which answers one question and measures nothing'],
  ['prompts to measure', () => benchmark({ prompts: '[]' }), '\'prompts\' do not go with runtime \'atb-models\', which measures its own questions cut to \'sequencePairs\''],
  ['nothing to measure', () => benchmark({ sequencePairs: [] }), '\'sequencePairs\' are missing: runtime \'atb-models\' measures pairs of prompt and answer lengths'],
  ['a chat over two devices', () => ATB._chat({ ...MODEL_STEP, devices: 2, weights: SHARDED, idleMinutes: 1 }), '\'devices\' must be 1 for a chat of runtime \'atb-models\', got 2: only one process has the terminal; use WebInterface'],
  ['quantizing without ModelSlim', () => Runtime.atbModels({ image: 'a:1', sourceTree: MODEL_LINK })._step('quantize', { ...STEP, weights: CHATGLM2, calibration: CEVAL, calibrationFile: 'a', sparse: false }), '\'modelSlimImage\' is missing: \'quantize\' of runtime \'atb-models\' needs ModelSlim and plain PyTorch 2.0.0, which the serving image has not'],
  ['cutting without the source tree', () => RAW._step('shard', { ...STEP, weights: CHATGLM2, tensorParallel: 2 }), '\'sourceTree\' of runtime \'atb-models\' is missing: the scripts and the model\'s code are in no package; DownloadFiles with ArtifactFormat.SOURCE_TREE and WeightSource.gitHubCommit(\'aeeeeeep/ModelLink\', ...) makes one'],
  ['a data set as source tree', () => Runtime.atbModels({ image: 'a:1', sourceTree: CEVAL }), '\'sourceTree\' must hold source-tree, got dataset (ceval); DownloadFiles with ArtifactFormat.SOURCE_TREE makes one'],
  ['a ModelSlim that moves', () => Runtime.atbModels({ image: 'a:1', modelSlimImage: 'modelslim:latest' }), '\'modelSlimImage\' must be pinned by a full tag or a digest, got \'modelslim:latest\''],
])('%s: refused', (_what, program, message) => {
  expect(thrownBy(program)).toBe(message);
});

test('shards that exist already are taken at their word', () => {
  expect(serve({ devices: 4, weights: artifact(ArtifactFormat.ATB_SHARDED, 'theirs') }).command).toContain('/artifacts/store/theirs');
});

test('the echo backend needs neither source tree nor launcher', () => {
  const task = RAW._serve(serveRequest({ model: GlmModel.CHATGLM2_6B, accelerator: CHIP, devices: 2, weights: CHATGLM2, backend: ServingBackend.ECHO }));

  expect(task.command.slice(SERVING.length, SERVING.length + 4)).toEqual([...script('serve_model'), '--backend', 'echo']);
  expect(task.inputs).toEqual([CHATGLM2]);
});
