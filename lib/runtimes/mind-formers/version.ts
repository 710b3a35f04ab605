import { Architecture } from '../../accelerators/node-type';
import { GLM3_R1_0, GLM_C8A5808, GLM_LATER, glm2, glm3 } from './catalogue';
import type { MindFormersModel } from './configuration';
import * as keys from './configuration-keys';

/** How a version of run_mindformer.py is told what a configuration does not say. */
export interface CommandLine {
  /** Whether `--a.b.c=value` sets a key of the configuration. Without, the configuration is patched. */
  readonly dottedOverrides: boolean;
  /** Whether `--output_dir` says where checkpoints go. Without, the environment does. */
  readonly outputFlag: boolean;
  /** Whether `--predict_data` takes several texts. */
  readonly manyPrompts: boolean;
}

interface MindFormersRow {
  readonly name: string;
  readonly commit: string;
  readonly mindSpore: string;
  readonly cann?: string;
  readonly image?: string;
  readonly architecture?: Architecture;
  readonly models: Readonly<Record<string, MindFormersModel>>;
  readonly commandLine: CommandLine;
  /** The callback that saves, whose name was misspelt until 1.1. */
  readonly checkpointCallback: 'CheckpointMointor' | 'CheckpointMonitor';
  /** Whether evaluation forgets `--load_checkpoint` and measures the base model instead. */
  readonly evaluationDropsCheckpoint: boolean;
  /** Whether ranks can meet through MindSpore's scheduler, without a rank table. */
  readonly dynamicCluster: boolean;
  /** Whether its MindSpore has msrun. */
  readonly msrun: boolean;
  /** What ChatGLM2 and 3 call the matrix of their embedding, where it is not `embedding_table`. */
  readonly embedding?: 'embedding_weight';
}

const MODERN: CommandLine = { dottedOverrides: true, outputFlag: true, manyPrompts: true };
const A2 = { a2: '_800T_A2_64G', a1: '_800_32G' };
const GLM2_CONFIGURATION = 'configs/glm2/run_glm2_6b.yaml';
const GLM2_PREDICTION = 'configs/glm2/predict_glm2_6b.yaml';
const GLM2_COMMIT = glm2({ ...A2, full: keys.GLM2_FULL, lora: keys.GLM2_LORA, prediction: GLM2_CONFIGURATION });
const GLM2_GUIDE = { ...GLM2_COMMIT, prediction: GLM2_PREDICTION };
const GLM3_GUIDE = glm3({ full: keys.GLM2_FULL, long: keys.GLM2_FULL, turns: keys.GLM3_MULTI_TURN });
const MISSPELT = 'CheckpointMointor';

/**
 * A state of mindspore-lab/mindformers that the library knows: what its scripts accept, which MindSpore and CANN it goes with, and the public image,
 * where there is one. Only 3354237 and 1.0 name an image; for the others `Runtime.mindFormers` needs one.
 */
export class MindFormersVersion {
  /**
   * The commit of the ChatGLM-6B guide, 2023-06-15: MindSpore 2.0.0rc1 or 1.10.1, Ascend 910A. The guide names no CANN. Its run_mindformer.py takes no dotted
   * overrides, and its data are MindRecord files.
   */
  public static readonly COMMIT_C8A5808 = new MindFormersVersion({
    name: 'c8a5808', commit: 'c8a5808bde8f7bb93027ffc04be273c4182c1612', // source: mindspore-lab/mindformers docs/model_cards/glm.md
    mindSpore: '2.0.0rc1', models: { 'chatglm-6b': GLM_C8A5808 },
    commandLine: { dottedOverrides: false, outputFlag: false, manyPrompts: false },
    checkpointCallback: MISSPELT, evaluationDropsCheckpoint: true, dynamicCluster: false, msrun: false,
  });

  /** The commit of the ChatGLM3 guide, 2024-03-19, between releases 1.0 and 1.1: MindSpore 2.2.11, CANN 7.0.0.beta1. The image is for ARM (README of the commit). */
  public static readonly COMMIT_3354237 = new MindFormersVersion({
    name: '3354237', commit: '3354237fb83f7b066dad28183ae286acfe670732', // source: mindspore-lab/mindformers docs/model_cards/glm3.md
    mindSpore: '2.2.11', cann: '7.0.0.beta1',
    image: 'swr.cn-central-221.ovaijisuan.com/mindformers/mindformers1.0_mindspore2.2.11:aarch_20240125', architecture: Architecture.ARM64,
    models: { 'chatglm3-6b': GLM3_GUIDE, 'chatglm2-6b': GLM2_COMMIT, 'chatglm-6b': GLM_LATER },
    commandLine: MODERN, checkpointCallback: MISSPELT, evaluationDropsCheckpoint: true, dynamicCluster: true, msrun: false,
  });

  /** Release 1.0.2: MindSpore 2.2.13, CANN 7.0.0.beta1. Of ChatGLM3 it has the `2k` configuration only. */
  public static readonly R1_0 = new MindFormersVersion({
    name: '1.0.2', commit: '45d1fa53db207378aac836384bbc339786480fab', // source: mindspore-lab/mindformers tag v1.0.2
    mindSpore: '2.2.13', cann: '7.0.0.beta1', image: 'swr.cn-central-221.ovaijisuan.com/mindformers/mindformers1.0.2_mindspore2.2.13:20240416',
    models: { 'chatglm3-6b': GLM3_R1_0, 'chatglm2-6b': glm2({ a2: '_910b', a1: '', full: keys.GLM2_R1_0_FULL, lora: keys.GLM2_R1_0_LORA, prediction: GLM2_CONFIGURATION }), 'chatglm-6b': GLM_LATER },
    commandLine: MODERN, checkpointCallback: MISSPELT, evaluationDropsCheckpoint: false, dynamicCluster: true, msrun: false,
  });

  /** Release 1.1.0: MindSpore 2.3.0rc2, CANN 8.0.RC1.beta1. The first with msrun. */
  public static readonly R1_1 = new MindFormersVersion({
    name: '1.1.0', commit: '598e154fc4dd2b26d7f4aabc714c8c291d13be10', // source: mindspore-lab/mindformers tag v1.1.0
    mindSpore: '2.3.0rc2', cann: '8.0.RC1.beta1', models: { 'chatglm3-6b': GLM3_GUIDE, 'chatglm2-6b': GLM2_GUIDE },
    commandLine: MODERN, checkpointCallback: MISSPELT, evaluationDropsCheckpoint: false, dynamicCluster: true, msrun: true,
  });

  /** Release 1.2.0: MindSpore 2.3.0, CANN 8.0.RC2.beta1. */
  public static readonly R1_2 = new MindFormersVersion({
    name: '1.2.0', commit: '980171aaa24cf8392050045c68342fbd58105652', // source: mindspore-lab/mindformers tag v1.2.0
    mindSpore: '2.3.0', cann: '8.0.RC2.beta1',
    models: {
      'chatglm3-6b': glm3({ full: keys.GLM2_FULL, long: keys.GLM3_R1_2_2K, turns: keys.GLM3_MULTI_TURN }), 'chatglm2-6b': GLM2_GUIDE, 'chatglm-6b': GLM_LATER,
    },
    commandLine: MODERN, checkpointCallback: 'CheckpointMonitor', evaluationDropsCheckpoint: false, dynamicCluster: true, msrun: true, embedding: 'embedding_weight',
  });

  /** Release 1.3.2: MindSpore 2.4.10, CANN 8.0.0. */
  public static readonly R1_3 = new MindFormersVersion({
    name: '1.3.2', commit: '024279c21923e555f7366940aed9017d13256052', // source: mindspore-lab/mindformers tag v1.3.2
    mindSpore: '2.4.10', cann: '8.0.0',
    models: {
      'chatglm3-6b': glm3({ full: keys.GLM2_R1_3_FULL, long: keys.GLM3_R1_3_2K, turns: keys.GLM3_R1_3_MULTI_TURN, longFlashAttention: true }),
      'chatglm2-6b': glm2({ ...A2, full: keys.GLM2_R1_3_FULL, lora: keys.GLM2_R1_3_LORA, prediction: GLM2_PREDICTION }),
    },
    commandLine: MODERN, checkpointCallback: 'CheckpointMonitor', evaluationDropsCheckpoint: false, dynamicCluster: true, msrun: true, embedding: 'embedding_weight',
  });

  /** Every version of the catalogue, oldest first. */
  public static all(): MindFormersVersion[] {
    return Object.values(MindFormersVersion).filter((value): value is MindFormersVersion => value instanceof MindFormersVersion);
  }

  /** The release, or the commit's first digits. */
  public readonly name: string;
  /** The commit of the source tree, 40 hexadecimal digits. */
  public readonly commit: string;
  /** The MindSpore that it goes with. */
  public readonly mindSpore: string;
  /** The CANN that it goes with, where a source names one. */
  public readonly cann?: string;
  /** The public image, where there is one. */
  public readonly image?: string;
  /** The architecture of the public image, where a source names it. */
  public readonly architecture?: Architecture;
  /** @internal */
  public readonly _row: MindFormersRow;

  private constructor(row: MindFormersRow) {
    this.name = row.name;
    this.commit = row.commit;
    this.mindSpore = row.mindSpore;
    this.cann = row.cann;
    this.image = row.image;
    this.architecture = row.architecture;
    this._row = row;
  }

  /** Names of the models that it trains; a copy. */
  public get models(): string[] {
    return Object.keys(this._row.models);
  }
}
