import {
  ADAPTERS, COMPLETE_STRATEGY, type ConfigurationBase, CONVERSATIONS, type EvaluationConfiguration, GLM_JSON_LINES, JSON_LINES, LORA_KEYS, LORA_PATCH,
  type MindFormersConfiguration, type MindFormersModel, MINDRECORD_FILES,
} from './configuration';
import * as keys from './configuration-keys';

/** Values of configs/glm/run_glm_6b_finetune.yaml, the same in all versions. It is written for 8 of the 910A, the model split over all. */
const GLM: ConfigurationBase = {
  lora: false, data: GLM_JSON_LINES, epochs: 1, batchSize: 8, maxSourceLength: 64, maxTargetLength: 64, modelParallel: 8, recompute: false, flashAttention: false,
  saveSteps: 500, optimizerParallel: false, patches: {},
};
/** Values of configs/glm2/run_glm2_6b_finetune_800T_A2_64G.yaml. */
const GLM2: ConfigurationBase = {
  lora: false, data: JSON_LINES, epochs: 1, batchSize: 8, maxSourceLength: 64, maxTargetLength: 127, modelParallel: 1, recompute: true, flashAttention: true,
  saveSteps: 1000, optimizerParallel: true, patches: {},
};
/** Values of configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml. */
const GLM3: ConfigurationBase = { ...GLM2, batchSize: 4, flashAttention: false };
/** Its two kilotoken variant. */
const GLM3_2K: ConfigurationBase = { ...GLM3, maxSourceLength: 1024, maxTargetLength: 1023 };
/** Values of configs/glm3/run_glm3_6b_multiturn_finetune_800T_A2_64G.yaml. */
const GLM3_TURNS: ConfigurationBase = { ...GLM3, data: CONVERSATIONS, epochs: 2, batchSize: 8, maxSourceLength: 0, maxTargetLength: 2048, saveSteps: 100 };

const A1 = ['910A'];
const A2 = ['910B'];
/** ChatGLM-6B needs no kernel that only one of them has. */
const ANY = ['910A', '910B'];

function row(name: string, file: string, series: readonly string[], base: ConfigurationBase, known: ReadonlySet<string>): MindFormersConfiguration {
  return { name, file, series, ...base, keys: known };
}

/** Without a LoRA file of its own a configuration gets the adapters of its sister models: all have one class, ChatGLM2ForConditionalGeneration. */
function withAdapters(rows: readonly MindFormersConfiguration[]): MindFormersConfiguration[] {
  const adapted = rows.map((each) => ({ ...each, lora: true, patches: { ...each.patches, ...LORA_PATCH }, keys: new Set([...each.keys, ...LORA_KEYS]) }));
  return [...rows, ...adapted];
}

const GLM_INFER = 'configs/glm/run_glm_6b_infer.yaml';
const GLM_LORA_INFER = 'configs/glm/run_glm_6b_lora_infer.yaml';

const COMMIT_EVALUATION: EvaluationConfiguration = { file: GLM_INFER, data: MINDRECORD_FILES, overrides: {} };

/** ChatGLM-6B at c8a5808: MindRecord data. LoRA is split over 4 devices. */
export const GLM_C8A5808: MindFormersModel = {
  name: 'glm_6b', tokenizerFile: 'ice_text.model',
  configurations: [
    row('adgen', 'configs/glm/run_glm_6b_finetune.yaml', ANY, { ...GLM, data: MINDRECORD_FILES }, keys.GLM_C8A5808_FULL),
    row('adgen', 'configs/glm/run_glm_6b_lora.yaml', ANY, { ...GLM, data: MINDRECORD_FILES, lora: true, modelParallel: 4 }, keys.GLM_C8A5808_LORA),
  ],
  evaluation: COMMIT_EVALUATION,
  loraEvaluation: { ...COMMIT_EVALUATION, file: GLM_LORA_INFER },
  prediction: GLM_INFER, loraPrediction: GLM_LORA_INFER,
};

/** Evaluation of ChatGLM-6B with data that is read from JSON lines. */
const GLM_EVALUATION: EvaluationConfiguration = { file: GLM_INFER, data: GLM_JSON_LINES, overrides: {} };

/** ChatGLM-6B from 3354237 on, where a version has it. Its LoRA file splits nothing. */
export const GLM_LATER: MindFormersModel = {
  name: 'glm_6b', tokenizerFile: 'ice_text.model',
  configurations: [
    row('adgen', 'configs/glm/run_glm_6b_finetune.yaml', ANY, GLM, keys.GLM_FULL),
    row('adgen', 'configs/glm/run_glm_6b_lora.yaml', ANY, {
      ...GLM, lora: true, modelParallel: 1, patches: { 'parallel.parallel_mode': '1', ...COMPLETE_STRATEGY },
    }, keys.GLM_LORA),
  ],
  evaluation: GLM_EVALUATION,
  loraEvaluation: { ...GLM_EVALUATION, file: GLM_LORA_INFER },
  prediction: GLM_INFER, loraPrediction: GLM_LORA_INFER,
};

/**
 * The evaluation of ChatGLM3's own file does not start: its data version calls `tokenizer.build_prompt`, which ChatGLM3Tokenizer has not, and
 * its length is less than that of the data. Version 1 and the data's length work. Plain attention, since flash attention only trains.
 */
function generation(file: string): EvaluationConfiguration {
  return {
    file, data: JSON_LINES,
    overrides: {
      'model.model_config.seq_length': '256', 'model.model_config.max_decode_length': '256', 'model.model_config.use_flash_attention': 'False',
      'eval_dataset.data_loader.version': '1', 'eval_dataset.max_source_length': '256', 'metric.type': 'ADGENMetric',
    },
  };
}

/** Where the files of a version are, and their keys. */
export interface GlmFiles {
  /** The part of the names that tells the 910B: `_800T_A2_64G` or `_910b`. */
  readonly a2: string;
  /** The part of the names that tells the 910A: `_800_32G` or nothing. */
  readonly a1: string;
  readonly full: ReadonlySet<string>;
  readonly lora: ReadonlySet<string>;
  /** The configuration that generates text. */
  readonly prediction: string;
}

/** ChatGLM2-6B. */
export function glm2({ a2, a1, full, lora, prediction }: GlmFiles): MindFormersModel {
  const file = (name: string): string => `configs/glm2/run_glm2_6b_${name}.yaml`;
  const plain: ConfigurationBase = { ...GLM2, flashAttention: false };
  const long = { maxSourceLength: 1023, maxTargetLength: 1024 };
  const adapters = { lora: true, patches: COMPLETE_STRATEGY };
  return {
    name: 'glm2_6b', tokenizerFile: 'tokenizer.model',
    configurations: [
      row('adgen', file(`finetune${a2}`), A2, GLM2, full),
      row('adgen', file(`finetune${a1}`), A1, plain, full),
      row('2k', file(`finetune_2k${a2}`), A2, { ...GLM2, ...long, batchSize: 4 }, full),
      row('2k', file(`finetune_2k${a1}`), A1, { ...plain, ...long, batchSize: 2, modelParallel: 8 }, full),
      row('adgen', file(`lora${a2}`), A2, { ...GLM2, ...adapters }, lora),
      row('adgen', file(`lora${a1}`), A1, { ...plain, ...adapters, patches: { ...COMPLETE_STRATEGY, 'parallel.parallel_mode': '1' } }, lora),
      row('2k', file(`lora_2k${a2}`), A2, { ...GLM2, ...long, ...adapters, batchSize: 4 }, lora),
    ],
    evaluation: generation(file(`finetune${a2}`)),
    loraEvaluation: generation(file(`lora${a2}`)),
    prediction,
  };
}

const GLM3_FOLDER = 'configs/glm3/run_glm3_6b';

/** Keys of ChatGLM3's files. */
export interface Glm3Keys {
  readonly full: ReadonlySet<string>;
  readonly long: ReadonlySet<string>;
  readonly turns: ReadonlySet<string>;
  /** Whether the two kilotoken file switches flash attention on. */
  readonly longFlashAttention?: boolean;
}

/** ChatGLM3-6B of a version with the guide's three files. */
export function glm3({ full, long, turns, longFlashAttention = false }: Glm3Keys): MindFormersModel {
  const file = `${GLM3_FOLDER}_finetune_800T_A2_64G.yaml`;
  return {
    name: 'glm3_6b', tokenizerFile: 'tokenizer.model',
    configurations: withAdapters([
      row('adgen', file, A2, GLM3, full),
      row('2k', `${GLM3_FOLDER}_finetune_2k_800T_A2_64G.yaml`, A2, { ...GLM3_2K, flashAttention: longFlashAttention }, long),
      row('multi-turn', `${GLM3_FOLDER}_multiturn_finetune_800T_A2_64G.yaml`, A2, GLM3_TURNS, turns),
    ]),
    evaluation: generation(file),
    loraEvaluation: withLora(generation(file)),
    prediction: 'configs/glm3/predict_glm3_6b.yaml',
  };
}

/** ChatGLM3-6B of 1.0, which has one file. */
export const GLM3_R1_0: MindFormersModel = {
  name: 'glm3_6b', tokenizerFile: 'tokenizer.model',
  configurations: withAdapters([row('2k', `${GLM3_FOLDER}_finetune_2k_910b.yaml`, A2, GLM3_2K, keys.GLM2_R1_0_FULL)]),
  evaluation: generation(`${GLM3_FOLDER}_finetune_2k_910b.yaml`),
  loraEvaluation: withLora(generation(`${GLM3_FOLDER}_finetune_2k_910b.yaml`)),
  prediction: `${GLM3_FOLDER}.yaml`,
};

function withLora(evaluation: EvaluationConfiguration): EvaluationConfiguration {
  return { ...evaluation, overrides: { ...evaluation.overrides, ...ADAPTERS } };
}
