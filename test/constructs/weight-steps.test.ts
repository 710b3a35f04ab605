import { Size } from 'cdk8s';
import {
  Accelerator, Artifact, ArtifactFormat, Benchmark, type BenchmarkProps, CompressWeights, type CompressWeightsProps, DevicePlugin, type DevicePlacementOptions, Dtype, GlmModel, type IArtifactStore,
  NodeType, QuantizeWeights, type QuantizeWeightsProps, Runtime, ShardWeights, type ShardWeightsProps,
} from 'cdk8s-chatglm';

import { ATB, CHATGLM2, MODEL_LINK } from '../support/atb';
import { refuses } from '../support/bad-input';
import { type EveryProp, reachManifest } from '../support/every-prop';
import { jobOptions, MAIN, OTHER_STORE, POD, stepJob } from '../support/step-jobs';
import { artifact, chartWith, CHIP } from '../support/synthesized';

const words = (...expected: string[]): unknown => expect.arrayContaining(expected);
const CEVAL = artifact(ArtifactFormat.DATASET, 'ceval');
const W8A8 = artifact(ArtifactFormat.ATB_QUANTIZED, 'w8a8');
const READ_ONLY: IArtifactStore = { ...OTHER_STORE, readOnly: true };
const ANOTHER_ATB = Runtime.atbModels({ image: 'registry.example/atb:2', modelSlimImage: 'registry.example/modelslim:2', sourceTree: MODEL_LINK });
const CHATGLM2_32K = GlmModel.CHATGLM2_6B_32K;

/** What the options of a Job with devices do beside those. */
const DEVICE_OPTIONS: EveryProp<DevicePlacementOptions> = {
  nodeType: { props: { nodeType: NodeType.ATLAS_200T_A2_BOX16 }, reaches: { [`${POD}.nodeSelector[accelerator-type]`]: 'module-910b-16' } },
  devicePlugin: { props: { devicePlugin: DevicePlugin.hami() }, reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend910B3]`]: 1 } },
};

const TOO_SMALL = Size.gibibytes(8);
const QUANTIZE: QuantizeWeightsProps = { model: GlmModel.CHATGLM2_6B, runtime: ATB, weights: CHATGLM2, calibration: CEVAL };
const SHARD: ShardWeightsProps = { model: GlmModel.CHATGLM2_6B, runtime: ATB, weights: CHATGLM2, tensorParallel: 2, accelerator: CHIP };
const COMPRESS: CompressWeightsProps = { model: GlmModel.CHATGLM2_6B, runtime: ATB, from: artifact(ArtifactFormat.ATB_SPARSE_SHARDED) };
const BENCHMARK: BenchmarkProps = { model: GlmModel.CHATGLM2_6B, runtime: ATB, weights: CHATGLM2, accelerator: CHIP, sequencePairs: [{ input: 256, output: 128 }] };

const quantize = stepJob(QuantizeWeights, QUANTIZE);
const shard = stepJob(ShardWeights, SHARD);
const compress = stepJob(CompressWeights, COMPRESS);
const benchmark = stepJob(Benchmark, BENCHMARK);

describe('QuantizeWeights: every prop reaches the manifest', () => {
  reachManifest<QuantizeWeightsProps>({
    ...jobOptions(0),
    model: { given: { model: GlmModel.CHATGLM3_6B }, props: { model: CHATGLM2_32K }, lifts: '[test/step] runtime \'atb-models\' does not support chatglm3-6b; it supports chatglm2-6b, chatglm2-6b-32k' },
    runtime: { props: { runtime: ANOTHER_ATB }, reaches: { [`${MAIN}.image`]: 'registry.example/modelslim:2' } },
    weights: { props: { weights: artifact(ArtifactFormat.HUGGING_FACE, 'mine') }, reaches: { [`${MAIN}.command`]: words('--source', '/artifacts/store/mine') } },
    calibration: { props: { calibration: artifact(ArtifactFormat.DATASET, 'mine') }, reaches: { [`${MAIN}.command`]: words('--dataset', '/artifacts/store/mine') } },
    calibrationFile: { props: { calibrationFile: 'val/mine.jsonl' }, reaches: { [`${MAIN}.command`]: words('--calibration', 'val/mine.jsonl') } },
    sparse: { props: { sparse: true }, reaches: { [`${MAIN}.command`]: words('--precision', 'sparse', '--calibration', 'val/Other/civil_servant.jsonl') } },
    accelerator: {
      given: { sparse: true, accelerator: CHIP }, props: { accelerator: Accelerator.ASCEND_310P_300I_DUO_96G },
      lifts: '[test/step] sparse weights run on an Atlas 300I Duo only, got Ascend910B3; use W8A8 weights there',
    },
    store: { props: { store: OTHER_STORE }, reaches: { [`${MAIN}.command`]: words('--output', expect.stringMatching(/^\/artifacts\/other\/step-/) as string) } },
  }, quantize);
});

describe('ShardWeights: every prop reaches the manifest', () => {
  reachManifest<ShardWeightsProps>({
    ...jobOptions(4),
    ...DEVICE_OPTIONS,
    model: { given: { model: GlmModel.CHATGLM3_6B }, props: { model: CHATGLM2_32K }, lifts: '[test/step] runtime \'atb-models\' does not support chatglm3-6b; it supports chatglm2-6b, chatglm2-6b-32k' },
    runtime: { props: { runtime: ANOTHER_ATB }, reaches: { [`${MAIN}.image`]: 'registry.example/atb:2' } },
    weights: { props: { weights: artifact(ArtifactFormat.HUGGING_FACE, 'mine') }, reaches: { [`${MAIN}.command`]: words('--source', '/artifacts/store/mine') } },
    tensorParallel: { props: { tensorParallel: 8 }, reaches: { [`${MAIN}.command`]: words('--tp-size', '8') } },
    accelerator: { props: { accelerator: Accelerator.ASCEND_310P_300I_DUO_96G }, reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend310P]`]: 1 } },
    quantized: { props: { quantized: W8A8 }, reaches: { [`${MAIN}.command`]: words('--quantized', '/artifacts/store/w8a8', '--precision', 'w8a8') } },
    store: { props: { store: OTHER_STORE }, reaches: { [`${MAIN}.command`]: words('--output', expect.stringMatching(/^\/artifacts\/other\/step-/) as string) } },
  }, shard);
});

describe('CompressWeights: every prop reaches the manifest', () => {
  reachManifest<CompressWeightsProps>({
    ...jobOptions(0),
    model: { given: { model: GlmModel.CHATGLM3_6B }, props: { model: CHATGLM2_32K }, lifts: '[test/step] runtime \'atb-models\' does not support chatglm3-6b; it supports chatglm2-6b, chatglm2-6b-32k' },
    runtime: { props: { runtime: ANOTHER_ATB }, reaches: { [`${MAIN}.image`]: 'registry.example/modelslim:2' } },
    from: { props: { from: artifact(ArtifactFormat.ATB_SPARSE_SHARDED, 'mine') }, reaches: { [`${MAIN}.command`]: words('--source', '/artifacts/store/mine') } },
    store: { props: { store: OTHER_STORE }, reaches: { [`${MAIN}.command`]: words('--output', expect.stringMatching(/^\/artifacts\/other\/step-/) as string) } },
  }, compress);
});

describe('Benchmark: every prop reaches the manifest', () => {
  const cambricon: Partial<BenchmarkProps> = {
    runtime: Runtime.cambriconPyTorch({ image: 'registry.example/mlu:1' }), model: GlmModel.CHATGLM_6B, accelerator: Accelerator.MLU370_X8, sequencePairs: undefined,
    weights: artifact(ArtifactFormat.HUGGING_FACE, 'chatglm'),
  };
  reachManifest<BenchmarkProps>({
    ...jobOptions(4),
    ...DEVICE_OPTIONS,
    deviceMemory: {
      given: { deviceMemory: TOO_SMALL }, props: { deviceMemory: Size.gibibytes(32) },
      lifts: '[test/step] chatglm2-6b needs 12.4 GiB on each of 1 devices to serve in float16 with 1 x 384 tokens, and Ascend910B3 has 8.0 GiB: 4.4 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\'',
    },
    skipMemoryCheck: {
      given: { deviceMemory: TOO_SMALL }, props: { skipMemoryCheck: true },
      lifts: '[test/step] chatglm2-6b needs 12.4 GiB on each of 1 devices to serve in float16 with 1 x 384 tokens, and Ascend910B3 has 8.0 GiB: 4.4 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\'',
    },
    model: { props: { model: CHATGLM2_32K }, reaches: { [`${MAIN}.command`]: words('--model-name', 'chatglm2-6b-32k') } },
    runtime: { props: { runtime: ANOTHER_ATB }, reaches: { [`${MAIN}.image`]: 'registry.example/atb:2' } },
    weights: { props: { weights: artifact(ArtifactFormat.HUGGING_FACE, 'mine') }, reaches: { [`${MAIN}.command`]: words('--model-path', '/artifacts/store/mine') } },
    accelerator: { props: { accelerator: Accelerator.ASCEND_310P_300I_DUO_96G }, reaches: { [`${MAIN}.resources.limits[huawei.com/Ascend310P]`]: 1 } },
    devices: {
      props: { devices: 4, weights: artifact(ArtifactFormat.ATB_SHARDED) },
      reaches: { [`${MAIN}.command`]: words('--tp-size', '4'), [`${MAIN}.resources.limits[huawei.com/Ascend910]`]: 4 },
    },
    dtype: { given: { weights: artifact(ArtifactFormat.ATB_QUANTIZED_SHARDED) }, props: { dtype: Dtype.INT8 }, lifts: '[test/step] \'dtype\' must be int8 for atb-quantized-sharded weights on runtime \'atb-models\', got float16' },
    contextLength: {
      given: { contextLength: 100 }, props: { contextLength: 1024 },
      lifts: '[test/step] \'contextLength\' is 100, but a pair of \'sequencePairs\' has 384 tokens; leave it out',
    },
    prompts: { given: cambricon, props: { prompts: '["hello"]' }, reaches: { [`${MAIN}.command`]: words('--prompts') } },
    sequencePairs: { props: { sequencePairs: [{ input: 8192, output: 1024 }] }, reaches: { [`${MAIN}.command`]: words('--pairs', '8192:1024') } },
    batchSize: { props: { batchSize: 8 }, reaches: { [`${MAIN}.command`]: words('--batch', '8') } },
    printResponse: { props: { printResponse: true }, reaches: { [`${MAIN}.command`]: words('--print-response') } },
    store: { props: { store: OTHER_STORE }, reaches: { [`${MAIN}.command`]: words('--output', expect.stringMatching(/^\/artifacts\/other\/step-/) as string) } },
  }, benchmark);
});

describe('what is refused', () => {
  refuses([
    ['a store that nobody may write to', () => shard({ store: READ_ONLY }), '[test/step] \'store\' other is read-only; \'step\' cannot be written to it'],
    ['a calibration file outside of the data set', () => quantize({ calibrationFile: '../secret' }), '[test/step] \'calibrationFile\' must be a path inside the data set, like \'val/Social_Science/teacher_qualification.jsonl\', got \'../secret\''],
    ['half a sequence', () => benchmark({ batchSize: 0.5 }), '[test/step] \'batchSize\' must be a whole number from 1, got 0.5'],
    ['half a token', () => benchmark({ sequencePairs: [{ input: 1.5, output: 2 }] }), '[test/step] \'sequencePairs\' must be whole numbers, \'input\' from 1 and \'output\' from 2, at most 32768 together for chatglm2-6b, got 1.5 and 2'],
    ['a runtime that cannot cut', () => shard({ runtime: Runtime.cambriconPyTorch({ image: 'x:1' }) }), '[test/step] runtime \'cambricon-pytorch\' has no step \'shard\'; it can serve, chat, migrate, predict, benchmark'],
  ]);
});

test('an artifact flows from step to step', () => {
  const chart = chartWith();
  const quantized = new QuantizeWeights(chart, 'quantize', QUANTIZE).artifact;
  const sharded = new ShardWeights(chart, 'shard', { ...SHARD, quantized }).artifact;

  expect([quantized, sharded].every((made) => made instanceof Artifact && made.marked)).toBe(true);
  expect([quantized.format.name, sharded.format.name]).toEqual(['atb-quantized', 'atb-quantized-sharded']);
});
