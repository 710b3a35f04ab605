import { Chart, Testing } from 'cdk8s';
import { Secret } from 'cdk8s-plus-27';
import { RootConstruct } from 'constructs';
import {
  Accelerator, type Artifact, ArtifactFormat, ConvertCheckpoint, DatasetKind, DownloadFiles, DownloadWeights, Evaluate, type EvaluateProps, FinetuneJob, type FinetuneJobProps,
  GlmModel, InferenceDeployment, MergeCheckpoint, MindFormersVersion, PatchModel, Platform, Predict, PrepareDataset, type PrepareDatasetProps, Runtime, WeightSource,
} from 'cdk8s-chatglm';

import { messageOf, refuses } from '../support/bad-input';
import { artifact, chartWith, CHIP, STORE, synthesized } from '../support/synthesized';
import { FINETUNE, MIND_FORMERS } from '../support/workloads';

const GLM2 = GlmModel.CHATGLM2_6B;
const GLM3 = GlmModel.CHATGLM3_6B;
const OFFICIAL2 = WeightSource.huggingFace(GLM2, { runtime: 'atb-models' });
const TORCH = Runtime.torchNpu({ image: 'registry.example/torch-npu:1' });
const COMMIT = { runtime: MIND_FORMERS, accelerator: CHIP };

/** A misspelt constant, as a program has it that no type checker has seen. */
const misspelt = (constants: object, name: string): never => (constants as Readonly<Record<string, unknown>>)[name] as never;

function downloaded2(chart: Chart): Artifact {
  return new DownloadWeights(chart, 'weights', { store: STORE, model: GLM2, source: OFFICIAL2 }).artifact;
}

function converted2(chart: Chart): Artifact {
  return new ConvertCheckpoint(chart, 'convert', { model: GLM2, runtime: MIND_FORMERS, from: downloaded2(chart) }).artifact;
}

function tuned2(chart: Chart): Artifact {
  return new FinetuneJob(chart, 'finetune', { ...FINETUNE, model: GLM2, checkpoint: converted2(chart) }).artifact;
}

describe('weights of another model', () => {
  const inChart = (program: (chart: Chart) => unknown) => () => program(chartWith());
  refuses([
    [
      'a source', inChart((chart) => new DownloadWeights(chart, 'weights', { store: STORE, model: GLM3, source: OFFICIAL2 })),
      '[test/weights] a source is of chatglm2-6b, but \'model\' is chatglm3-6b; WeightSource and \'model\' must be of the same',
    ],
    [
      'a mirror', inChart((chart) => new DownloadWeights(chart, 'weights', {
        store: STORE, model: GLM2, source: OFFICIAL2, mirrors: [WeightSource.modelScope(GLM3, { revision: 'v1.0.2' })],
      })),
      '[test/weights] a source is of chatglm3-6b, but \'model\' is chatglm2-6b; WeightSource and \'model\' must be of the same',
    ],
    [
      'a server', inChart((chart) => new InferenceDeployment(chart, 'chat', { ...COMMIT, model: GLM3, runtime: TORCH, weights: downloaded2(chart) })),
      '[test/chat] \'weights\' has chatglm2-6b (chatglm2-6b-a7956c766d), but \'model\' is chatglm3-6b; give what belongs to chatglm3-6b, or say the other model',
    ],
    [
      'a server of a changed copy', inChart((chart) => {
        const patched = new PatchModel(chart, 'patch', { weights: downloaded2(chart), config: { seq_length: 512 } });
        return new InferenceDeployment(chart, 'chat', { ...COMMIT, model: GLM3, runtime: TORCH, weights: patched.artifact });
      }),
      '[test/chat] \'weights\' has chatglm2-6b (patch-98042c9541), but \'model\' is chatglm3-6b; give what belongs to chatglm3-6b, or say the other model',
    ],
    [
      'a conversion', inChart((chart) => new ConvertCheckpoint(chart, 'convert', { model: GLM3, runtime: MIND_FORMERS, from: downloaded2(chart) })),
      '[test/convert] \'from\' has chatglm2-6b (chatglm2-6b-a7956c766d), but \'model\' is chatglm3-6b; give what belongs to chatglm3-6b, or say the other model',
    ],
    [
      'the way back', inChart((chart) => new ConvertCheckpoint(chart, 'back', {
        model: GLM3, runtime: MIND_FORMERS, from: artifact(ArtifactFormat.MINDSPORE), base: downloaded2(chart),
      })),
      '[test/back] \'base\' has chatglm2-6b (chatglm2-6b-a7956c766d), but \'model\' is chatglm3-6b; give what belongs to chatglm3-6b, or say the other model',
    ],
  ]);

  test.each<[string, string, (chart: Chart) => unknown]>([
    ['a fine-tune', 'checkpoint', (chart) => new FinetuneJob(chart, 'next', { ...FINETUNE, checkpoint: converted2(chart) })],
    ['a merge', 'from', (chart) => new MergeCheckpoint(chart, 'next', { model: GLM3, runtime: MIND_FORMERS, from: tuned2(chart), base: FINETUNE.checkpoint })],
    ['an evaluation', 'weights', (chart) => new Evaluate(chart, 'next', { ...COMMIT, model: GLM3, weights: converted2(chart), dataset: FINETUNE.dataset })],
    ['answers', 'weights', (chart) => new Predict(chart, 'next', { ...COMMIT, model: GLM3, weights: converted2(chart), prompts: ['?'] })],
    ['a scan of lengths', 'tokenizer', (chart) => new PrepareDataset(chart, 'next', { model: GLM3, runtime: MIND_FORMERS, from: FINETUNE.dataset, tokenizer: converted2(chart) })],
  ])('%s', (_what, prop, program) => {
    expect(messageOf(() => program(chartWith()))?.replace(/\(.*?\)/, '(<directory>)')).toBe(
      `[test/next] '${prop}' has chatglm2-6b (<directory>), but 'model' is chatglm3-6b; give what belongs to chatglm3-6b, or say the other model`,
    );
  });

  test('a fine-tune under a name of its own goes as what it was made of', () => {
    const { family, shape } = GLM2;
    const mine = GlmModel.custom({ name: 'support-bot', family, shape, weightsBytes: 12e9, maxSequenceLength: 8192, license: 'mine' });

    const chart = chartWith();
    new InferenceDeployment(chart, 'chat', { ...COMMIT, model: mine, runtime: TORCH, weights: downloaded2(chart) });

    expect(synthesized(chart).map(({ kind }) => kind)).toContain('Deployment');
  });
});

describe('a data set without the file that is read', () => {
  const prepared = (chart: Chart, props: Partial<PrepareDatasetProps> = {}): Artifact => new PrepareDataset(chart, 'data', {
    model: GLM3, runtime: MIND_FORMERS, from: artifact(ArtifactFormat.DATASET), ...props,
  }).artifact;
  const tuning = (data: Partial<PrepareDatasetProps>, props: Partial<FinetuneJobProps> = {}) => () => {
    const chart = chartWith();
    new FinetuneJob(chart, 'finetune', { ...FINETUNE, dataset: prepared(chart, data), ...props });
  };
  const ALPACA = { kind: DatasetKind.TOOL_ALPACA };
  const evaluating = (data: Partial<PrepareDatasetProps>, props: Partial<EvaluateProps> = {}) => () => {
    const chart = chartWith();
    new Evaluate(chart, 'evaluate', { ...COMMIT, model: GLM3, weights: FINETUNE.checkpoint, dataset: prepared(chart, data), ...props });
  };
  const told = (program: () => unknown): string | undefined => messageOf(program)?.replace(/data-[0-9a-f]{10}/, 'data-<lineage>');

  test.each<[string, () => unknown, string | undefined]>([
    ['conversations for ADGEN', tuning(ALPACA), '[test/finetune] \'dataset\' data-<lineage> has train.jsonl, but the configuration \'adgen\' reads train.json; say another \'configuration\', or prepare the data for this one'],
    ['ADGEN for conversations', tuning({}, { configuration: 'multi-turn' }), '[test/finetune] \'dataset\' data-<lineage> has train.json and dev.json, but the configuration \'multi-turn\' reads train.jsonl; say another \'configuration\', or prepare the data for this one'],
    ['a file that is not made', tuning({}, { trainFile: 'training.json' }), '[test/finetune] \'dataset\' data-<lineage> has train.json and dev.json, but the configuration \'adgen\' reads training.json; say another \'configuration\', or prepare the data for this one'],
    ['conversations to evaluate on', evaluating(ALPACA), '[test/evaluate] \'dataset\' data-<lineage> has train.jsonl, but the evaluation reads dev.json; give one that PrepareDataset made of prompts and answers with an \'evalFile\''],
    ['conversations for their configuration', tuning(ALPACA, { configuration: 'multi-turn' }), undefined],
    ['ADGEN to evaluate on', evaluating({}), undefined],
    ['a learning rate above the given end', tuning({}, { learningRate: 1e-7, settings: { 'lr_schedule.lr_end': '0.' } }), undefined],
    ['another schedule', tuning({}, { learningRate: 1e-7, settings: { 'lr_schedule.type': 'ConstantWarmUpLR' } }), undefined],
    ['the training data to evaluate on', evaluating({}, { evalFile: 'train.json' }), undefined],
  ])('%s', (_what, program, message) => {
    expect(told(program)).toBe(message);
  });

  refuses([
    ['a metric that is not measured', evaluating({}, { minimumScores: { rougeL: 15 } }), '[test/evaluate] \'minimumScores\' has \'rougeL\'; runtime \'mindformers\' measures rouge-1, rouge-2, rouge-l, bleu-4'],
    ['a misspelt setting of an evaluation', evaluating({}, { settings: { 'model.model_config.top_kk': '3' } }), '[test/evaluate] \'settings\' has \'model.model_config.top_kk\', which configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml of MindFormers 3354237 has not; the nearest is \'model.model_config.top_k\''],
    ['an evaluation without a chip', evaluating({}, { accelerator: undefined }), '[test/evaluate] \'accelerator\' is missing: an evaluation with runtime \'mindformers\' needs one'],
    ['columns of ADGEN', tuning({ columns: ['q', 'a'] }), '[test/data] \'columns\' are for DatasetKind.JSON_LINES, and \'kind\' is adgen, whose columns have names already; leave them out'],
    ['three columns', tuning({ kind: DatasetKind.JSON_LINES, columns: ['q', 'a', 'b'] }), '[test/data] \'columns\' must be two different names without a comma, of the prompt and of the answer, got [q, a, b]'],
    ['a column twice', tuning({ kind: DatasetKind.JSON_LINES, columns: ['q', 'q'] }), '[test/data] \'columns\' must be two different names without a comma, of the prompt and of the answer, got [q, q]'],
    ['an empty prompt', () => new Predict(chartWith(), 'predict', { ...COMMIT, model: GLM3, weights: FINETUNE.checkpoint, prompts: ['?', ' '] }), '[test/predict] \'prompts\' has an empty text at number 2; leave it out'],
    ['a learning rate below that of the end', tuning({}, { learningRate: 1e-6 }), '[test/finetune] \'learningRate\' must be above 1.e-6, where the schedule ends, got 0.000001; give \'lr_schedule.lr_end\' a lower value in \'settings\''],
    ['a learning rate below the given end', tuning({}, { learningRate: 1e-7, settings: { 'lr_schedule.lr_end': '2e-7' } }), '[test/finetune] \'learningRate\' must be above 2e-7, where the schedule ends, got 1e-7; give \'lr_schedule.lr_end\' a lower value in \'settings\''],
    ['a setting that is a number', tuning({}, { settings: { 'runner_config.sink_size': 2 as never } }), '[test/finetune] \'settings\' has \'runner_config.sink_size\', whose value must be a text like \'2\', got 2'],
  ]);
});

describe('props that no type checker has seen', () => {
  const missing = (place: string, prop: string): string => `${place}'${prop}' is missing, or a constant that does not exist, such as a misspelt one`;
  const tuning = (props: Partial<FinetuneJobProps>) => () => new FinetuneJob(chartWith(), 'finetune', { ...FINETUNE, ...props });
  const source = WeightSource.gitHubCommit('mindspore-lab/mindformers', MindFormersVersion.COMMIT_3354237.commit);
  refuses([
    ['a model', tuning({ model: misspelt(GlmModel, 'CHATGLM3') }), missing('[test/finetune] ', 'model')],
    ['a chip', tuning({ accelerator: misspelt(Accelerator, 'ASCEND_910B') }), missing('[test/finetune] ', 'accelerator')],
    ['a version', () => Runtime.mindFormers({ version: misspelt(MindFormersVersion, 'V1_0'), sourceTree: artifact(ArtifactFormat.SOURCE_TREE) }), missing('', 'version')],
    ['a format', () => new DownloadFiles(chartWith(), 'files', { store: STORE, source, format: misspelt(ArtifactFormat, 'DATA') }), missing('[test/files] ', 'format')],
    ['a store', () => new DownloadWeights(chartWith(), 'weights', { model: GLM2, source: OFFICIAL2, store: undefined as never }), missing('[test/weights] ', 'store')],
    ['weights', () => new Predict(chartWith(), 'predict', { ...COMMIT, model: GLM3, weights: undefined as never, prompts: ['?'] }), missing('[test/predict] ', 'weights')],
    ['a model to serve', () => new InferenceDeployment(chartWith(), 'chat', { ...COMMIT, model: misspelt(GlmModel, 'CHATGLM3'), runtime: TORCH, weights: artifact(ArtifactFormat.HUGGING_FACE) }), missing('[test/chat] ', 'model')],
    ['data', () => new Evaluate(chartWith(), 'evaluate', { ...COMMIT, model: GLM3, weights: FINETUNE.checkpoint, dataset: undefined as never }), missing('[test/evaluate] ', 'dataset')],
    ['a base', () => new MergeCheckpoint(chartWith(), 'merge', { model: GLM3, runtime: MIND_FORMERS, from: artifact(ArtifactFormat.MINDSPORE_SHARDS), base: undefined as never }), missing('[test/merge] ', 'base')],
  ]);
});

test('the Secrets of a platform stand in another scope, before the chart has constructs', () => {
  const chart = new Chart(Testing.app(), 'test');
  Platform.attach(chart, { imagePullSecrets: [Secret.fromSecretName(new RootConstruct('references'), 'registry', 'registry-pull')] });
  new InferenceDeployment(chart, 'chat', { model: GLM3, runtime: Runtime.echo() });

  expect(synthesized(chart).find(({ kind }) => kind === 'Deployment')).toMatchObject({ spec: { template: { spec: { imagePullSecrets: [{ name: 'registry-pull' }] } } } });
});
