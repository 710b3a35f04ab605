import { Accelerator, ArtifactFormat, Dtype, GlmModel, MindFormersProgram, type MindFormersOptions, MindFormersVersion, Runtime } from 'cdk8s-chatglm';

import { Artifact } from '../../../lib/artifacts/artifact';
import type { StepRequests } from '../../../lib/runtimes/step-requests';
import { artifact, STORE } from '../../support/synthesized';
import { outputOf, serveRequest } from '../../support/task-requests';
import { thrownBy } from '../../support/thrown';

const sourceTree = artifact(ArtifactFormat.SOURCE_TREE, 'mindformers');
const IMAGE = 'registry.example/mindformers:1';
const runtime = (version: MindFormersVersion, options: Partial<MindFormersOptions> = {}) => Runtime.mindFormers({ version, sourceTree, image: IMAGE, ...options });
const GLM3 = runtime(MindFormersVersion.COMMIT_3354237);
const GLM = runtime(MindFormersVersion.COMMIT_C8A5808);

const output = (format: ArtifactFormat, definition: Parameters<StepRequests['convert']['output']>[1]) => Artifact._produced('made', STORE, format, definition);
const official = artifact(ArtifactFormat.HUGGING_FACE, 'official');
const checkpoint = artifact(ArtifactFormat.MINDSPORE, 'checkpoint');
const shards = artifact(ArtifactFormat.MINDSPORE_SHARDS, 'tuned');
const adgen = artifact(ArtifactFormat.DATASET, 'adgen');
const glm3 = { model: GlmModel.CHATGLM3_6B, output };
const glm = { model: GlmModel.CHATGLM_6B, output };

/** The words of a script of ours, from its name on. */
const from = (command: readonly unknown[], script: string) => command.slice(command.indexOf(`/opt/cdk8s-chatglm/${script}.py`) + 1);
const requires = (command: readonly unknown[]) => command.filter((_, index) => command[index - 1] === '--require');

describe('conversion', () => {
  test('of official weights writes MindFormers\' file and the tokenizer, on the processor alone', () => {
    const task = GLM3._step('convert', { ...glm3, from: official, to: ArtifactFormat.MINDSPORE });

    expect(from(task.command, 'convert_checkpoint')).toEqual([
      '--from', 'huggingface', '--to', 'mindspore', '--family', 'chatglm3', '--source', '/artifacts/store/official', '--file', 'glm3_6b.ckpt', '--output', task.output.path,
    ]);
    expect([requires(task.command), task.output.format, task.devices]).toEqual([['glm3_6b.ckpt', 'tokenizer.model'], ArtifactFormat.MINDSPORE, undefined]);
  });

  test('of a fine-tune goes back to what other runtimes read', () => {
    const task = GLM._step('convert', { ...glm, from: checkpoint, to: ArtifactFormat.HUGGING_FACE, base: official });

    expect(from(task.command, 'convert_checkpoint')).toEqual([
      '--from', 'mindspore', '--to', 'huggingface', '--family', 'chatglm', '--source', '/artifacts/store/checkpoint', '--file', 'glm_6b.ckpt',
      '--base', '/artifacts/store/official', '--output', task.output.path,
    ]);
    expect(task.inputs).toEqual([checkpoint, official]);
  });

  test('runs in the image for the processor where there is one, without the vendor\'s environment', () => {
    const task = runtime(MindFormersVersion.COMMIT_3354237, { mergeImage: 'registry.example/mindspore-cpu:2.2', setEnvScripts: ['/set_env.sh'] })
      ._step('convert', { ...glm3, from: official, to: ArtifactFormat.MINDSPORE });

    expect(task.image).toBe('registry.example/mindspore-cpu:2.2');
    expect(task.command).not.toContain('/set_env.sh');
  });

  test.each<[() => unknown, string]>([
    [() => GLM3._step('convert', { ...glm3, from: shards, to: ArtifactFormat.HUGGING_FACE }), 'runtime \'mindformers\' converts huggingface to mindspore and back, got mindspore-shards (tuned) to huggingface'],
    [() => GLM3._step('convert', { ...glm3, from: official, to: ArtifactFormat.HUGGING_FACE }), 'runtime \'mindformers\' converts huggingface to mindspore and back, got huggingface (official) to huggingface'],
    [() => GLM3._step('convert', { ...glm3, from: checkpoint, to: ArtifactFormat.HUGGING_FACE }), '\'base\' is missing: the way to huggingface takes configuration, remote code and tokenizer from the model as downloaded'],
    [() => GLM3._step('convert', { ...glm3, from: checkpoint, to: ArtifactFormat.HUGGING_FACE, base: shards }), '\'base\' must hold huggingface, got mindspore-shards (tuned); DownloadWeights makes it'],
  ])('of other formats is refused: %#', (body, message) => {
    expect(thrownBy(body)).toBe(message);
  });
});

describe('data', () => {
  const ADGEN = { from: adgen, kind: 'adgen', trainFile: 'train.json', evalFile: 'dev.json' };

  test('are checked, and their lengths counted by the model\'s tokenizer', () => {
    const task = GLM3._step('dataset', { ...glm3, ...ADGEN, tokenizer: checkpoint });

    expect(from(task.command, 'prepare_dataset')).toEqual([
      '--kind', 'adgen', '--source', '/artifacts/store/adgen', '--train', 'train.json', '--eval', 'dev.json', '--tokenizer', '/artifacts/store/checkpoint/tokenizer.model',
      '--family', 'chatglm3', '--output', task.output.path,
    ]);
    expect([requires(task.command), task.output.format]).toEqual([['train.json', 'report.json'], ArtifactFormat.DATASET]);
  });

  test('of conversations have another file, and need no evaluation', () => {
    const task = GLM3._step('dataset', { ...glm3, from: adgen, kind: 'tool-alpaca', trainFile: 'data/train_data.json' });

    expect([requires(task.command), task.command.includes('--eval')]).toEqual([['train.jsonl', 'report.json'], false]);
  });

  test('become MindRecord files by the version\'s own tool', () => {
    const task = GLM._step('dataset', { ...glm, ...ADGEN, tokenizer: checkpoint, mindRecord: { train: [64, 64], evaluation: [256, 256] } });

    expect(from(task.command, 'make_mindrecord')).toEqual([
      '--script', '/artifacts/store/mindformers/mindformers/tools/dataset_preprocess/glm/adgen_dataset.py', '--source', '/artifacts/store/adgen',
      '--vocab', '/artifacts/store/checkpoint/ice_text.model', '--train', 'train.json', '--eval', 'dev.json', '--train-lengths', '64,64', '--eval-lengths', '256,256',
      '--output', task.output.path,
    ]);
    expect([task.output.format, task.inputs]).toEqual([ArtifactFormat.MINDRECORD, [sourceTree, adgen, checkpoint]]);
  });

  test('of another model or kind do not', () => {
    const mindRecord = { train: [64, 64], evaluation: [256, 256] } as const;

    expect(thrownBy(() => GLM3._step('dataset', { ...glm3, ...ADGEN, tokenizer: checkpoint, mindRecord }))).toBe('MindRecord files are made of ADGEN for chatglm-6b, with its tokenizer, got adgen for chatglm3-6b');
    expect(thrownBy(() => GLM._step('dataset', { ...glm, ...ADGEN, kind: 'json-lines', tokenizer: checkpoint, mindRecord }))).toBe('MindRecord files are made of ADGEN for chatglm-6b, with its tokenizer, got json-lines for chatglm-6b');
  });
});

describe('merging', () => {
  test('takes the strategy files of the run', () => {
    const task = GLM3._step('merge', { ...glm3, from: shards, base: checkpoint });

    expect(from(task.command, 'merge_checkpoint')).toEqual([
      '--source', '/artifacts/store/tuned', '--file', 'glm3_6b.ckpt', '--tokenizer', '/artifacts/store/checkpoint/tokenizer.model', '--output', task.output.path,
    ]);
    expect([requires(task.command), task.output.format]).toEqual([['glm3_6b.ckpt', 'tokenizer.model'], ArtifactFormat.MINDSPORE]);
  });

  test('names the one file of a version that writes no folder of them', () => {
    expect(GLM._step('merge', { ...glm, from: shards, base: checkpoint }).command).toEqual(expect.arrayContaining(['--strategy', '/artifacts/store/tuned/ckpt_strategy.ckpt']));
  });

  test('of what MindSpore before 2.0 has trained needs another image, and may take the strategy of another run', () => {
    const old = { mindSpore: '1.10.1' };
    const strategy = artifact(ArtifactFormat.MINDSPORE_SHARDS, 'strategy');
    const task = runtime(MindFormersVersion.COMMIT_C8A5808, { ...old, mergeImage: 'registry.example/mindspore-cpu:2.0.0' })._step('merge', { ...glm, from: shards, base: checkpoint, strategy });

    expect([task.image, task.inputs]).toEqual(['registry.example/mindspore-cpu:2.0.0', [shards, checkpoint, strategy]]);
    expect(task.command).toEqual(expect.arrayContaining(['--strategy', '/artifacts/store/strategy/ckpt_strategy.ckpt']));
    expect(thrownBy(() => runtime(MindFormersVersion.COMMIT_C8A5808, old)._step('merge', { ...glm, from: shards, base: checkpoint })))
      .toBe('MindSpore 1.10.1 cannot merge checkpoints (transform_checkpoints is in 2.0 and later); give Runtime.mindFormers a \'mergeImage\' with MindSpore 2 for the processor');
  });
});

describe('evaluation', () => {
  const request = { ...outputOf('scores'), model: GlmModel.CHATGLM_6B, weights: checkpoint, accelerator: Accelerator.ASCEND_910A, dataset: artifact(ArtifactFormat.MINDRECORD, 'records') };

  test('of c8a5808 finds the metric\'s tokenizer where it looks for it, and fails below the least score', () => {
    const { command } = GLM._step('evaluate', { ...request, minimumScores: { 'rouge-l': 20.5 }, batchSize: 2 });

    expect(from(command, 'evaluate').slice(0, 9)).toEqual(['--metrics', 'mindformers', '--model', 'chatglm-6b', '--output', expect.stringMatching(/scores-\w+$/), '--minimum', 'rouge-l=20.5', '--']);
    expect(from(command, 'enter_folder').slice(0, 5)).toEqual(['--folder', '/work', '--link', 'checkpoint_download/glm/ice_text.model=/artifacts/store/checkpoint/ice_text.model', '--']);
    expect(command).toEqual(expect.arrayContaining(['--eval_dataset_dir', '/artifacts/store/records/eval.mindrecord', '--batch_size', '2']));
  });

  test('by the Trainer loads the checkpoint as its argument', () => {
    const { command } = runtime(MindFormersVersion.COMMIT_C8A5808, { program: MindFormersProgram.TRAINER, lora: true })._step('evaluate', request);

    expect(from(command, 'train_glm')).toEqual([
      '--source-tree', '/artifacts/store/mindformers', '--config', '/artifacts/store/mindformers/configs/glm/run_glm_6b_lora_infer.yaml', '--task', 'text_generation',
      '--model_type', 'glm_6b_lora_chat', '--run_mode', 'eval', '--use_parallel', 'False', '--eval_dataset_dir', '/artifacts/store/records/eval.mindrecord',
      '--load_checkpoint', '/artifacts/store/checkpoint/glm_6b.ckpt',
    ]);
  });

  test.each<[() => unknown, string]>([
    [() => GLM._step('evaluate', { ...request, devices: 2 }), '\'devices\' must be 1 for an evaluation with runtime \'mindformers\', got 2'],
    [() => GLM._step('evaluate', { ...request, weights: shards }), '\'weights\' must hold mindspore, got mindspore-shards (tuned); MergeCheckpoint or ConvertCheckpoint makes them'],
    [() => GLM._step('evaluate', { ...request, dataset: adgen }), '\'dataset\' must hold mindrecord, got dataset (adgen); MindFormers c8a5808 evaluates MindRecord files; PrepareDataset makes them'],
  ])('of what it cannot do is refused: %#', (body, message) => {
    expect(thrownBy(body)).toBe(message);
  });
});

describe('generation', () => {
  const request = { model: GlmModel.CHATGLM3_6B, weights: checkpoint, accelerator: Accelerator.ASCEND_910B4, devices: 1, dtype: Dtype.FLOAT16, contextLength: 2048 };

  test('reads a copy of the configuration that fits the device, with MindFormers from the source tree', () => {
    const { command, fragment } = GLM3._step('predict', { ...request, output, prompts: '[]' });

    expect(from(command, 'enter_folder').slice(0, 9)).toEqual([
      '--folder', '/tmp/mindformers', '--python-path', '/artifacts/store/mindformers', '--config', '/artifacts/store/mindformers/configs/glm3/predict_glm3_6b.yaml',
      '--set', 'context.max_device_memory=29GB', '--',
    ]);
    expect(command).toEqual(expect.arrayContaining(['--backend', 'mindformers', '--backend-option', 'config=/tmp/mindformers/predict_glm3_6b.yaml', 'checkpoint-file=glm3_6b.ckpt']));
    expect(fragment.env).toEqual([{ name: 'GRAPH_OP_RUN', value: '1' }, { name: 'MS_ENABLE_INTERNAL_KERNELS', value: 'on' }]);
  });

  test('with adapters has them in the configuration', () => {
    const { command } = runtime(MindFormersVersion.R1_1, { lora: true })._serve(serveRequest({ ...request, backend: GLM3._backend }));

    expect(command).toContain('model.model_config.pet_config={pet_type: lora, lora_rank: 8, lora_alpha: 32, lora_dropout: 0.1, target_modules: .*query_key_value*}');
  });

  test('is done on one device', () => {
    expect(thrownBy(() => GLM3._serve(serveRequest({ ...request, devices: 2, backend: GLM3._backend })))).toBe('\'devices\' must be 1 for runtime \'mindformers\', got 2: it generates text on one; use \'replicas\' for more');
  });
});

test('the runtime tells what it can do', () => {
  expect(GLM3.tasks).toEqual(['serve', 'fine-tune', 'chat', 'convert', 'dataset', 'merge', 'evaluate', 'predict', 'benchmark']);
  expect([GLM3.models, GLM.models]).toEqual([['chatglm3-6b', 'chatglm2-6b', 'chatglm-6b'], ['chatglm-6b']]);
});
