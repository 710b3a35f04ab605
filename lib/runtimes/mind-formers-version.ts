import { Architecture } from '../accelerators/node-type';

/** A model's fine-tune configuration in a MindFormers source tree, and the values in it that the library reasons about. */
export interface MindFormersConfiguration {
  /** The configuration file, relative to the source tree. */
  readonly file: string;
  /** MindFormers' own name of the model; ready checkpoints are `<name>.ckpt`. */
  readonly name: string;
  /** Chip series that the configuration is written for. */
  readonly series: readonly string[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly maxSourceLength: number;
  readonly maxTargetLength: number;
}

interface MindFormersRow {
  readonly commit: string;
  readonly mindSpore: string;
  readonly cann: string;
  readonly image?: string;
  readonly architecture?: Architecture;
  /** Fine-tune configurations by model. */
  readonly finetune: Readonly<Record<string, MindFormersConfiguration>>;
}

/**
 * A state of mindspore-lab/mindformers that the library knows: what its scripts accept, which MindSpore and CANN it goes with, and
 * the public image, where there is one.
 */
export class MindFormersVersion {
  /**
   * The commit of the ChatGLM3 guide, 2024-03-19, between releases 1.0 and 1.1: MindSpore 2.2.11, CANN 7.0.0.beta1.
   * Configuration values: configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml. The image is for ARM (README of the commit).
   */
  public static readonly COMMIT_3354237 = new MindFormersVersion({
    commit: '3354237fb83f7b066dad28183ae286acfe670732', // source: mindspore-lab/mindformers docs/model_cards/glm3.md
    mindSpore: '2.2.11', cann: '7.0.0.beta1',
    image: 'swr.cn-central-221.ovaijisuan.com/mindformers/mindformers1.0_mindspore2.2.11:aarch_20240125', architecture: Architecture.ARM64,
    finetune: {
      'chatglm3-6b': {
        file: 'configs/glm3/run_glm3_6b_finetune_800T_A2_64G.yaml', name: 'glm3_6b', series: ['910B'],
        epochs: 1, batchSize: 4, maxSourceLength: 64, maxTargetLength: 127,
      },
    },
  });

  /** The commit of the source tree, 40 hexadecimal digits. */
  public readonly commit: string;
  /** The MindSpore that it goes with. */
  public readonly mindSpore: string;
  /** The CANN that it goes with. */
  public readonly cann: string;
  /** The public image, where there is one. */
  public readonly image?: string;
  /** The architecture of the public image. */
  public readonly architecture?: Architecture;
  /** @internal */
  public readonly _finetune: Readonly<Record<string, MindFormersConfiguration>>;

  private constructor(row: MindFormersRow) {
    this.commit = row.commit;
    this.mindSpore = row.mindSpore;
    this.cann = row.cann;
    this.image = row.image;
    this.architecture = row.architecture;
    this._finetune = row.finetune;
  }
}
