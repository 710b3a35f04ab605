import {
  Accelerator, type Artifact, ArtifactFormat, ConvertCheckpoint, type ConvertCheckpointProps, DatasetKind, Dtype, Evaluate, type EvaluateProps, GlmModel, MergeCheckpoint,
  type MergeCheckpointProps, MindFormersVersion, Predict, type PredictProps, PrepareDataset, type PrepareDatasetProps, Runtime,
} from 'cdk8s-chatglm';
import type { Construct } from 'constructs';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { refuses } from '../support/bad-input';
import { type EveryProp, reachManifest } from '../support/every-prop';
import { artifact, chartWith, CHIP, STORE, synthesized } from '../support/synthesized';
import { deviceOptions, jobOptions, MAIN, OTHER_STORE, stepJob } from '../support/step-jobs';
import { MIND_FORMERS } from '../support/workloads';

const COMMAND = `${MAIN}.command`;
const words = (...expected: unknown[]): unknown => expect.arrayContaining(expected);
const ELSEWHERE = { [COMMAND]: words('--output', expect.stringMatching(/^\/artifacts\/other\/step-/)) };
const sourceTree = artifact(ArtifactFormat.SOURCE_TREE);
const IMAGE = 'registry.example/mindformers:2';
const R1_2 = Runtime.mindFormers({ version: MindFormersVersion.R1_2, sourceTree, image: IMAGE });
const WITH_ADAPTERS = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree, lora: true });
const COMMIT = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_C8A5808, sourceTree, image: IMAGE });

const OFFICIAL = artifact(ArtifactFormat.HUGGING_FACE);
const CHECKPOINT = artifact(ArtifactFormat.MINDSPORE);
const SHARDS = artifact(ArtifactFormat.MINDSPORE_SHARDS);
const ADGEN = artifact(ArtifactFormat.DATASET);
const model = GlmModel.CHATGLM3_6B;
const runtime = MIND_FORMERS;
const mine = (format: ArtifactFormat): Artifact => artifact(format, 'mine');
const GLM2 = GlmModel.CHATGLM2_6B;

/** A prop of a step over processors: another image. */
const anotherRuntime = { props: { runtime: R1_2 }, reaches: { [`${MAIN}.image`]: IMAGE } };

const CONVERT: ConvertCheckpointProps = { model, runtime, from: OFFICIAL };
const PREPARE: PrepareDatasetProps = { model, runtime, from: ADGEN };
const MERGE: MergeCheckpointProps = { model, runtime, from: SHARDS, base: CHECKPOINT };
const EVALUATE: EvaluateProps = { model, runtime, weights: CHECKPOINT, dataset: ADGEN, accelerator: CHIP };
const PREDICT: PredictProps = { model, runtime, weights: CHECKPOINT, accelerator: CHIP, prompts: ['1 + 1?'] };

describe('ConvertCheckpoint', () => {
  reachManifest<ConvertCheckpointProps>({
    ...jobOptions(0),
    model: { props: { model: GLM2 }, reaches: { [COMMAND]: words('--family', 'chatglm2', 'glm2_6b.ckpt') } },
    runtime: anotherRuntime,
    from: { props: { from: mine(ArtifactFormat.HUGGING_FACE) }, reaches: { [COMMAND]: words('--source', '/artifacts/store/mine') } },
    to: {
      given: { to: ArtifactFormat.BMODEL }, props: { to: ArtifactFormat.MINDSPORE },
      lifts: '[test/step] runtime \'mindformers\' converts huggingface to mindspore and back, got huggingface (some-huggingface) to bmodel', reaches: { [COMMAND]: words('--to', 'mindspore') },
    },
    base: {
      given: { from: CHECKPOINT }, props: { base: OFFICIAL },
      lifts: '[test/step] \'base\' is missing: the way to huggingface takes configuration, remote code and tokenizer from the model as downloaded',
      reaches: { [COMMAND]: words('--from', 'mindspore', '--to', 'huggingface', '--base', '/artifacts/store/some-huggingface') },
    },
    loraAlpha: {
      given: { runtime: WITH_ADAPTERS, from: CHECKPOINT, base: OFFICIAL }, props: { loraAlpha: 16 },
      lifts: '[test/step] \'loraAlpha\' is missing: no FinetuneJob of this app made the adapters in some-mindspore; give the \'lora_alpha\' of the configuration that trained them',
      reaches: { [COMMAND]: words('--lora-alpha', '16') },
    },
    checkpointFile: { given: { from: CHECKPOINT, base: OFFICIAL }, props: { checkpointFile: 'mine.ckpt' }, reaches: { [COMMAND]: words('--file', 'mine.ckpt') } },
    store: { props: { store: OTHER_STORE }, reaches: ELSEWHERE },
  }, stepJob(ConvertCheckpoint, CONVERT));
});

describe('PrepareDataset', () => {
  const records: Partial<PrepareDatasetProps> = { runtime: COMMIT, model: GlmModel.CHATGLM_6B, tokenizer: CHECKPOINT, mindRecord: true };

  reachManifest<PrepareDatasetProps>({
    ...jobOptions(0),
    model: { given: { tokenizer: CHECKPOINT }, props: { model: GLM2 }, reaches: { [COMMAND]: words('--family', 'chatglm2') } },
    runtime: anotherRuntime,
    from: { props: { from: mine(ArtifactFormat.DATASET) }, reaches: { [COMMAND]: words('--source', '/artifacts/store/mine') } },
    kind: { props: { kind: DatasetKind.TOOL_ALPACA }, reaches: { [COMMAND]: words('--kind', 'tool-alpaca', '--train', 'data/train_data.json') } },
    trainFile: { props: { trainFile: 'a.json' }, reaches: { [COMMAND]: words('--train', 'a.json') } },
    evalFile: { props: { evalFile: 'b.json' }, reaches: { [COMMAND]: words('--eval', 'b.json') } },
    columns: { given: { kind: DatasetKind.JSON_LINES }, props: { columns: ['question', 'answer'] }, reaches: { [COMMAND]: words('--columns', 'question,answer') } },
    tokenizer: { props: { tokenizer: CHECKPOINT }, reaches: { [COMMAND]: words('--tokenizer', '/artifacts/store/some-mindspore/tokenizer.model', '--family', 'chatglm3') } },
    mindRecord: { given: { ...records, mindRecord: false }, props: { mindRecord: true }, reaches: { [COMMAND]: words('/opt/cdk8s-chatglm/make_mindrecord.py', '--train-lengths', '64,64', '--eval-lengths', '256,256') } },
    trainLengths: { given: records, props: { trainLengths: [32, 96] }, reaches: { [COMMAND]: words('--train-lengths', '32,96') } },
    evalLengths: { given: records, props: { evalLengths: [128, 128] }, reaches: { [COMMAND]: words('--eval-lengths', '128,128') } },
    store: { props: { store: OTHER_STORE }, reaches: ELSEWHERE },
  }, stepJob(PrepareDataset, PREPARE));
});

describe('MergeCheckpoint', () => {
  reachManifest<MergeCheckpointProps>({
    ...jobOptions(0),
    model: { props: { model: GLM2 }, reaches: { [COMMAND]: words('--file', 'glm2_6b.ckpt') } },
    runtime: anotherRuntime,
    from: { props: { from: mine(ArtifactFormat.MINDSPORE_SHARDS) }, reaches: { [COMMAND]: words('--source', '/artifacts/store/mine') } },
    base: { props: { base: mine(ArtifactFormat.MINDSPORE) }, reaches: { [COMMAND]: words('--tokenizer', '/artifacts/store/mine/tokenizer.model') } },
    strategy: { props: { strategy: mine(ArtifactFormat.MINDSPORE_SHARDS) }, reaches: { [COMMAND]: words('--strategy', '/artifacts/store/mine/strategy') } },
    store: { props: { store: OTHER_STORE }, reaches: ELSEWHERE },
  }, stepJob(MergeCheckpoint, MERGE));
});

const tooLittle = '[test/step] chatglm3-6b needs 12.4 GiB on each of 1 devices to serve in float16 with 1 x 2048 tokens, and Ascend910B3 has 8.0 GiB: 4.4 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\'';

/** What Evaluate and Predict have in common. */
const loaded: Omit<EveryProp<PredictProps>, 'prompts' | 'conversations' | 'maxTokens' | 'temperature' | 'runtime' | 'model' | 'contextLength'> = {
  ...jobOptions(0),
  ...deviceOptions(tooLittle),
  weights: { props: { weights: mine(ArtifactFormat.MINDSPORE) }, reaches: { [COMMAND]: words(expect.stringContaining('/artifacts/store/mine')) } },
  accelerator: { given: { accelerator: Accelerator.ASCEND_910A }, props: { accelerator: CHIP }, reaches: { 'spec.template.spec.nodeSelector[accelerator-type]': 'module-910b-8' } },
  devices: { given: { devices: 0 }, props: { devices: 1 }, lifts: '[test/step] \'devices\' must be a whole number from 1, got 0' },
  dtype: { given: { dtype: Dtype.INT4 }, props: { dtype: Dtype.FLOAT16 }, lifts: '[test/step] \'dtype\' must be one of float32, float16, int8, bfloat16 on Ascend910B3, got int4' },
  store: { props: { store: OTHER_STORE }, reaches: ELSEWHERE },
};

describe('Evaluate', () => {
  reachManifest<EvaluateProps>({
    ...loaded,
    model: { props: { model: GLM2 }, reaches: { [COMMAND]: words('--model', 'chatglm2-6b') } },
    runtime: anotherRuntime,
    contextLength: { given: { contextLength: 8193 }, props: { contextLength: 8192 }, lifts: '[test/step] \'contextLength\' must be a whole number from 1 to 8192 for chatglm3-6b, got 8193' },
    dataset: { props: { dataset: mine(ArtifactFormat.DATASET) }, reaches: { [COMMAND]: words('--eval_dataset_dir', '/artifacts/store/mine/dev.json') } },
    evalFile: { props: { evalFile: 'test.json' }, reaches: { [COMMAND]: words('/artifacts/store/some-dataset/test.json') } },
    batchSize: { props: { batchSize: 4 }, reaches: { [COMMAND]: words('--batch_size', '4') } },
    minimumScores: { props: { minimumScores: { 'rouge-l': 20, 'bleu-4': 5.5 } }, reaches: { [COMMAND]: words('--minimum', 'rouge-l=20', 'bleu-4=5.5') } },
    settings: { props: { settings: { 'model.model_config.use_past': 'True' } }, reaches: { [COMMAND]: words('--model.model_config.use_past=True') } },
  }, stepJob(Evaluate, EVALUATE));
});

describe('Predict', () => {
  const prompts = (props: Partial<PredictProps>): unknown => {
    const chart = chartWith();
    new Predict(chart, 'step', { ...PREDICT, ...props });
    const [files] = synthesized(chart).filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith('test-step-files'));
    return JSON.parse(Object.values((files as KubernetesObject & { data: Record<string, string> }).data)[0]!);
  };
  const conversation = { messages: [{ role: 'system', content: 'Be a guide.' }, { role: 'user', content: 'Hainan?' }, { role: 'user', content: 'And then?' }] };
  const CONFIG_MAP = { [`${MAIN}.command`]: words('--prompts', '/etc/cdk8s-chatglm/prompts.json') };

  reachManifest<PredictProps>({
    ...loaded,
    ...jobOptions(2),
    model: { props: { model: GLM2 }, reaches: { [COMMAND]: words('--model-name', 'chatglm2-6b') } },
    runtime: anotherRuntime,
    contextLength: { props: { contextLength: 512 }, reaches: { [COMMAND]: words('--context-length', '512') } },
    prompts: { given: { prompts: [] }, props: { prompts: ['?'] }, lifts: '[test/step] there is nothing to answer: give \'prompts\' or \'conversations\'', reaches: CONFIG_MAP },
    conversations: { given: { prompts: [] }, props: { conversations: [conversation] }, lifts: '[test/step] there is nothing to answer: give \'prompts\' or \'conversations\'', reaches: CONFIG_MAP },
    maxTokens: { props: { maxTokens: 64 }, reaches: { [COMMAND]: words('--max-tokens', '64') } },
    temperature: { props: { temperature: 0.7 }, reaches: { [COMMAND]: words('--temperature', '0.7') } },
  }, stepJob(Predict, PREDICT));

  test('prompts come before conversations, as they were given', () => {
    expect(prompts({ prompts: ['a $(HOME) "b"', '你好'], conversations: [conversation] })).toEqual(['a $(HOME) "b"', '你好', conversation]);
  });
});

describe('what does not go together is refused', () => {
  const step = <P>(Step: new (scope: Construct, id: string, props: P) => Construct, given: P) => (props: Partial<P>) => () => stepJob(Step, given)(props);
  const prepare = step(PrepareDataset, PREPARE);
  const merge = step(MergeCheckpoint, MERGE);
  const evaluate = step(Evaluate, EVALUATE);
  const predict = step(Predict, PREDICT);
  const user = { role: 'user', content: '?' };

  refuses([
    ['data from weights', prepare({ from: OFFICIAL }), '[test/step] \'from\' must hold dataset or source-tree, got huggingface (some-huggingface); DownloadFiles with ArtifactFormat.DATASET makes it'],
    ['MindRecord files without a tokenizer', prepare({ mindRecord: true }), '[test/step] \'tokenizer\' is missing: MindRecord files hold token ids; give the checkpoint, which has the tokenizer beside it'],
    ['one length', prepare({ mindRecord: true, tokenizer: CHECKPOINT, trainLengths: [128] }), '[test/step] \'trainLengths\' must be two numbers, tokens of prompt and answer, got [128]'],
    ['three lengths', prepare({ mindRecord: true, tokenizer: CHECKPOINT, evalLengths: [1, 2, 3] }), '[test/step] \'evalLengths\' must be two numbers, tokens of prompt and answer, got [1, 2, 3]'],
    ['half a token', prepare({ mindRecord: true, tokenizer: CHECKPOINT, evalLengths: [0.5, 2] }), '[test/step] \'evalLengths\' must be a whole number from 1, got 0.5'],
    ['a tokenizer from data', prepare({ tokenizer: ADGEN }), '[test/step] \'tokenizer\' must hold mindspore or huggingface, got dataset (some-dataset); give weights of the model, which have it'],
    ['one checkpoint to merge', merge({ from: CHECKPOINT }), '[test/step] \'from\' must hold mindspore-shards, got mindspore (some-mindspore); FinetuneJob makes them'],
    ['a base of another format', merge({ base: OFFICIAL }), '[test/step] \'base\' must hold mindspore, got huggingface (some-huggingface); give the checkpoint that the fine-tune started from'],
    ['a strategy of another format', merge({ strategy: OFFICIAL }), '[test/step] \'strategy\' must hold mindspore-shards, got huggingface (some-huggingface); a FinetuneJob with \'onlyStrategy\' makes them'],
    ['scores on weights', evaluate({ dataset: OFFICIAL }), '[test/step] \'dataset\' must hold dataset or mindrecord, got huggingface (some-huggingface); PrepareDataset makes it'],
    ['no batch', evaluate({ batchSize: 0 }), '[test/step] \'batchSize\' must be a whole number from 1, got 0'],
    ['a score that is no number', evaluate({ minimumScores: { 'rouge-l': NaN } }), '[test/step] \'minimumScores\' has \'rouge-l\': a metric\'s name like \'rouge-l\' and a number are needed, got NaN'],
    ['a metric that is an option', evaluate({ minimumScores: { '--output': 1 } }), '[test/step] \'minimumScores\' has \'--output\': a metric\'s name like \'rouge-l\' and a number are needed, got 1'],
    ['no chip', evaluate({ accelerator: undefined, devices: 1 }), '[test/step] \'devices\' is 1, but no \'accelerator\' says of what'],
    ['a runtime that cannot evaluate', evaluate({ runtime: Runtime.echo() }), '[test/step] runtime \'echo\' has no step \'evaluate\'; it can serve'],
    ['a role that models do not know', predict({ conversations: [{ messages: [user] }, { messages: [{ role: 'tool', content: '?' }] }] }), '[test/step] \'conversations\' has a message of \'tool\' in number 2; roles are system, user, assistant, observation'],
    ['a conversation without a question', predict({ conversations: [{ messages: [{ role: 'system', content: '?' }] }] }), '[test/step] \'conversations\' has nothing to answer in number 1: no message is of \'user\''],
    ['no tokens', predict({ maxTokens: 0 }), '[test/step] \'maxTokens\' must be a whole number from 1, got 0'],
    ['a hot model', predict({ temperature: 3 }), '[test/step] \'temperature\' must be from 0 to 2, got 3'],
    ['a store for readers', predict({ store: { ...STORE, storeName: 'library', readOnly: true } }), '[test/step] \'store\' library is read-only; \'step\' cannot be written to it'],
  ]);
});
