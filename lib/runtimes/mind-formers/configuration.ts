/** How a data set is read, and what follows for the lengths. */
export interface DataLayout {
  /** The format that `--train_dataset_dir` names a file of. */
  readonly files: 'json' | 'mindrecord';
  /** Tokens of a sequence beside prompt and answer. */
  readonly extraTokens: number;
  /** Conversations of any number of turns are cut to one length; there is no source and target. */
  readonly multiTurn: boolean;
  /** Dotted keys of the tokenizer's file. */
  readonly vocabularyKeys: readonly string[];
}

/** A fine-tune configuration in a MindFormers source tree, and the values in it that the library reasons about. */
export interface MindFormersConfiguration {
  /** What users call it: `adgen`, `2k`, `multi-turn`. */
  readonly name: string;
  /** The configuration file, relative to the source tree. */
  readonly file: string;
  /** Chip series that the configuration is written for. */
  readonly series: readonly string[];
  /** Whether it trains low-rank adapters. */
  readonly lora: boolean;
  readonly data: DataLayout;
  readonly epochs: number;
  readonly batchSize: number;
  readonly maxSourceLength: number;
  readonly maxTargetLength: number;
  /** Devices that it is written for, by how the model is split. */
  readonly modelParallel: number;
  readonly recompute: boolean;
  readonly flashAttention: boolean;
  readonly saveSteps: number;
  /** Whether the optimizer's state is split over the replicas. */
  readonly optimizerParallel: boolean;
  /** Values that have to be set whatever the caller wants, by dotted path of the YAML file. */
  readonly patches: Readonly<Record<string, string>>;
  /** Its dotted keys; lists are leaves. */
  readonly keys: ReadonlySet<string>;
}

/** Configurations of a model, and MindFormers' own name of it. */
export interface MindFormersModel {
  /** Ready checkpoints are `<name>.ckpt`. */
  readonly name: string;
  readonly tokenizerFile: string;
  readonly configurations: readonly MindFormersConfiguration[];
  /** The configuration that evaluates it. */
  readonly evaluation: EvaluationConfiguration;
  /** The configuration that evaluates a model with adapters. */
  readonly loraEvaluation: EvaluationConfiguration;
  /** The configuration that generates text. */
  readonly prediction: string;
  /** The same for a model with adapters, where there is one; else the adapters are patched in. */
  readonly loraPrediction?: string;
}

/** How a version measures a model. */
export interface EvaluationConfiguration {
  readonly file: string;
  readonly data: DataLayout;
  /** Dotted values that make it work. */
  readonly overrides: Readonly<Record<string, string>>;
}

/** What all configurations of a family have in common. */
export type ConfigurationBase = Omit<MindFormersConfiguration, 'name' | 'file' | 'series' | 'keys'>;

const VOCABULARIES = ['train_dataset.tokenizer.vocab_file', 'eval_dataset.tokenizer.vocab_file'];

/** JSON lines with a prompt and an answer, read while training. */
export const JSON_LINES: DataLayout = { files: 'json', extraTokens: 1, multiTurn: false, vocabularyKeys: VOCABULARIES };
/** The same for ChatGLM-6B, whose special tokens are counted within source and target. */
export const GLM_JSON_LINES: DataLayout = { ...JSON_LINES, extraTokens: 0 };
/** MindRecord files made before, with fixed lengths. */
export const MINDRECORD_FILES: DataLayout = { files: 'mindrecord', extraTokens: 0, multiTurn: false, vocabularyKeys: [] };
/** Conversations with tool calls. */
export const CONVERSATIONS: DataLayout = { files: 'json', extraTokens: 0, multiTurn: true, vocabularyKeys: VOCABULARIES.slice(0, 1) };

/** Frozen parameters belong into the strategy files, or merging finds no layout for them. */
export const COMPLETE_STRATEGY = { 'parallel.strategy_ckpt_config.only_trainable_params': 'False' };

/** Keys of the adapters. */
export const LORA_KEYS = ['pet_type', 'lora_rank', 'lora_alpha', 'lora_dropout', 'target_modules'].map((key) => `model.model_config.pet_config.${key}`);

/** The layers that have adapters in upstream's LoRA configurations. */
export const QUERY_KEY_VALUE = '.*query_key_value*';

/** The adapters of upstream's LoRA configurations, for configurations that have none. */
export const ADAPTERS = {
  'model.model_config.pet_config': `{pet_type: lora, lora_rank: 8, lora_alpha: 32, lora_dropout: 0.1, target_modules: ${QUERY_KEY_VALUE}}`,
};

/** Training with them. */
export const LORA_PATCH = { ...ADAPTERS, ...COMPLETE_STRATEGY };
