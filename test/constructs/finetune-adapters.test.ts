import {
  Accelerator, ArtifactFormat, ConvertCheckpoint, type ConvertCheckpointProps, Evaluate, FinetuneJob, type FinetuneJobProps, GlmModel, InferenceDeployment, MergeCheckpoint,
  MindFormersVersion, Runtime,
} from 'cdk8s-chatglm';
import { type Chart, Size } from 'cdk8s';

import { messageOf, refuses } from '../support/bad-input';
import { artifact, chartWith, synthesized } from '../support/synthesized';
import { finetune, FINETUNE } from '../support/workloads';
import { type Workload, workloads } from '../support/workflow';

const OFFICIAL = artifact(ArtifactFormat.HUGGING_FACE);
const sourceTree = artifact(ArtifactFormat.SOURCE_TREE);
const COMMIT = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_C8A5808, sourceTree, image: 'registry.example/mindformers:1' });
/** ChatGLM-6B at c8a5808 on four 910A. */
const GLM: Partial<FinetuneJobProps> = {
  model: GlmModel.CHATGLM_6B, runtime: COMMIT, accelerator: Accelerator.ASCEND_910A, dataset: artifact(ArtifactFormat.MINDRECORD), devicesPerNode: 4,
};
const setting = (name: string, value: string) => ({ settings: { [`model.model_config.pet_config.${name}`]: value } });

/** The chart of a fine-tune of adapters, what is merged of it, and the way back. */
function wayBack(tuning: Partial<FinetuneJobProps> = {}, converting: Partial<ConvertCheckpointProps> = {}): Chart {
  const chart = chartWith();
  const props = { ...FINETUNE, lora: true, ...tuning };
  const { model, runtime } = props;
  const tuned = new FinetuneJob(chart, 'finetune', props).artifact;
  const merged = new MergeCheckpoint(chart, 'merge', { model, runtime, from: tuned, base: props.checkpoint }).artifact;
  new ConvertCheckpoint(chart, 'back', { model, runtime, from: merged, base: OFFICIAL, ...converting });
  return chart;
}

/** The command of a workload of the chart. */
function command(chart: Chart, id: string): readonly string[] {
  return workloads(synthesized(chart), 'test').find((workload: Workload) => workload.id === id)!.command;
}

/** The words from the last script's name on. */
const from = (words: readonly string[], script: string): readonly string[] => words.slice(words.indexOf(`/opt/cdk8s-chatglm/${script}.py`) + 1);
const after = (words: readonly string[], flag: string): string | undefined => words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;

describe('the way back to Hugging Face', () => {
  test.each<[string, Partial<FinetuneJobProps>, string | undefined]>([
    ['of adapters as the configurations have them', {}, '32'],
    ['of adapters that the settings changed', setting('lora_alpha', '64'), '64'],
    ['of ChatGLM-6B at c8a5808, which keeps them elsewhere', { ...GLM, settings: { 'model.arch.pet.pet_config.lora_alpha': '16' } }, '16'],
    ['of all parameters', { lora: false }, undefined],
  ])('%s needs no number', (_what, tuning, alpha) => {
    const words = command(wayBack(tuning), 'back');

    expect(after(words, '--lora-alpha')).toBe(alpha);
    expect(from(words, 'convert_checkpoint')).toEqual(expect.arrayContaining(['--from', 'mindspore', '--to', 'huggingface', '--base', '/artifacts/store/some-huggingface']));
  });

  test('makes another artifact of other adapters', () => {
    const outputs = [{}, setting('lora_alpha', '64'), setting('lora_rank', '16')].map((tuning) => after(command(wayBack(tuning), 'back'), '--output'));

    expect(new Set(outputs).size).toBe(3);
  });

  test('refuses another number than that of the training', () => {
    expect(messageOf(() => wayBack({}, { loraAlpha: 16 }))?.replace(/-[0-9a-f]{10}/, '-<lineage>')).toBe(
      '[test/back] \'loraAlpha\' is 16, but the adapters in merge-<lineage> were trained with 32; leave it out',
    );
  });

  refuses([
    ['a number on the way there', () => synthesized(wayBack({}, { from: OFFICIAL, loraAlpha: 32 })), '[test/back] \'loraAlpha\' is for the way to huggingface, where adapters are put into the weights; leave it out'],
    ['half a number', () => synthesized(wayBack({}, { loraAlpha: 1.5 })), '[test/back] \'loraAlpha\' must be a whole number from 1 to 999999, got 1.5'],
    ['a rank that is no number', () => synthesized(wayBack(setting('lora_rank', 'eight'))), '[test/finetune] \'settings\' has \'model.model_config.pet_config.lora_rank\', which must be a whole number from 1 to 999999, got \'eight\''],
    ['an alpha of nothing', () => synthesized(wayBack({ ...GLM, settings: { 'model.arch.pet.pet_config.lora_alpha': '0' } })), '[test/finetune] \'settings\' has \'model.arch.pet.pet_config.lora_alpha\', which must be a whole number from 1 to 999999, got \'0\''],
  ]);
});

describe('adapters that were trained are loaded as they were trained, without another word', () => {
  /** What is trained and merged, for others to load. */
  function loaded(tuning?: Partial<FinetuneJobProps>): Chart {
    const chart = chartWith();
    const props = { ...FINETUNE, lora: tuning !== undefined, ...tuning };
    const { model, runtime, accelerator, dataset, checkpoint } = props;
    const tuned = new FinetuneJob(chart, 'finetune', props).artifact;
    const weights = new MergeCheckpoint(chart, 'merge', { model, runtime, from: tuned, base: checkpoint }).artifact;
    new Evaluate(chart, 'evaluate', { model, runtime, accelerator, weights, dataset });
    new InferenceDeployment(chart, 'serve', { model, runtime, accelerator, weights });
    return chart;
  }
  const values = (words: readonly string[]): readonly string[] => words.filter((word) => word.includes('pet_config'));
  const ADAPTERS = 'model.model_config.pet_config={pet_type: lora, lora_rank: 8, lora_alpha: 32, lora_dropout: 0.1, target_modules: .*query_key_value*}';

  test('the usual ones', () => {
    expect([values(command(loaded({}), 'evaluate')), values(command(loaded({}), 'serve'))]).toEqual([[ADAPTERS], [ADAPTERS]]);
  });

  test('others', () => {
    const chart = loaded({ settings: { 'model.model_config.pet_config.lora_rank': '16', 'model.model_config.pet_config.target_modules': '.*dense*' } });

    expect(values(command(chart, 'evaluate'))).toEqual([ADAPTERS, '--model.model_config.pet_config.lora_rank=16', '--model.model_config.pet_config.target_modules=.*dense*']);
    expect(values(command(chart, 'serve'))).toEqual([ADAPTERS, 'model.model_config.pet_config.lora_rank=16', 'model.model_config.pet_config.target_modules=.*dense*']);
  });

  test('others of ChatGLM-6B at c8a5808', () => {
    const chart = loaded({ ...GLM, settings: { 'model.arch.pet.pet_config.lora_alpha': '16' } });

    for (const id of ['evaluate', 'serve']) {
      expect([id, values(command(chart, id))]).toEqual([id, ['model.arch.pet.pet_config.lora_alpha=16']]);
      expect(command(chart, id)).toEqual(expect.arrayContaining([expect.stringMatching(/\/configs\/glm\/run_glm_6b_lora_infer\.yaml$/)]));
    }
  });

  test('none', () => {
    expect([values(command(loaded(), 'evaluate')), values(command(loaded(), 'serve'))]).toEqual([[], []]);
  });
});

describe('memory', () => {
  const alone: Partial<FinetuneJobProps> = { devicesPerNode: 1 };

  test('adapters train on one device, where all parameters do not fit', () => {
    expect(() => finetune({ ...alone, lora: true })).not.toThrow();
  });

  refuses([
    ['all parameters on one device', () => finetune(alone), '[test/finetune] chatglm3-6b needs 71.3 GiB on each of 1 devices to fine-tune in float16 with 4 x 192 tokens, and Ascend910B3 has 64.0 GiB: '
      + '7.3 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\''],
    ['adapters with long sequences', () => finetune({ ...alone, lora: true, configuration: '2k', batchSize: 32 }), '[test/finetune] chatglm3-6b needs 82.5 GiB on each of 1 devices to fine-tune adapters in float16 with 32 x 2048 tokens, and Ascend910B3 has 64.0 GiB: '
      + '18.5 GiB too little; 1472 tokens would fit, or set \'skipMemoryCheck\''],
    ['adapters without the activations computed again', () => finetune({ ...alone, lora: true, configuration: '2k', batchSize: 8, recompute: false }), '[test/finetune] chatglm3-6b needs 83.8 GiB on each of 1 devices to fine-tune adapters in float16 with 8 x 2048 tokens, and Ascend910B3 has 64.0 GiB: '
      + '19.8 GiB too little; 1472 tokens would fit, or set \'skipMemoryCheck\''],
    ['adapters on a device of which most is somebody else\'s', () => finetune({ ...alone, lora: true, deviceMemory: Size.gibibytes(8) }), '[test/finetune] chatglm3-6b needs 13.2 GiB on each of 1 devices to fine-tune adapters in float16 with 4 x 192 tokens, and Ascend910B3 has 8.0 GiB: '
      + '5.2 GiB too little; splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\''],
  ]);
});
