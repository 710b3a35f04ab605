/** What a directory of an artifact holds. A consumer refuses a format that it cannot read, and names the construct that converts it. */
export class ArtifactFormat {
  /** A model repository as published: `config.json`, remote code, tokenizer, weights. */
  public static readonly HUGGING_FACE = new ArtifactFormat('huggingface');
  /** One MindSpore checkpoint file (`*.ckpt`) and its tokenizer. */
  public static readonly MINDSPORE = new ArtifactFormat('mindspore');
  /** MindSpore checkpoints of all ranks (`checkpoint/rank_N/*.ckpt`) and their strategy files. */
  public static readonly MINDSPORE_SHARDS = new ArtifactFormat('mindspore-shards');
  /** A model that TPU-MLIR compiled for Sophgo chips (`*.bmodel`) and its tokenizer. */
  public static readonly BMODEL = new ArtifactFormat('bmodel');
  /** A data set. */
  public static readonly DATASET = new ArtifactFormat('dataset');
  /** A data set as MindRecord files. */
  public static readonly MINDRECORD = new ArtifactFormat('mindrecord');
  /** Weights that ModelSlim quantized for ATB: eight `*.npy` files. */
  public static readonly ATB_QUANTIZED = new ArtifactFormat('atb-quantized');
  /** The same eight files, with weights that are also sparse. */
  public static readonly ATB_SPARSE_QUANTIZED = new ArtifactFormat('atb-sparse-quantized');
  /** Weights in 16 bits cut for ATB's tensor parallelism, one folder a rank. */
  public static readonly ATB_SHARDED = new ArtifactFormat('atb-sharded');
  /** Quantized weights cut for ATB's devices, of which there may be one. */
  public static readonly ATB_QUANTIZED_SHARDED = new ArtifactFormat('atb-quantized-sharded');
  /** Sparse quantized weights cut for ATB's two devices, before their compression. */
  public static readonly ATB_SPARSE_SHARDED = new ArtifactFormat('atb-sparse-sharded');
  /** Sparse quantized weights compressed for two devices; their shards are read beside them. */
  public static readonly ATB_COMPRESSED = new ArtifactFormat('atb-compressed');
  /** A model's graph as ONNX files. */
  public static readonly ONNX = new ArtifactFormat('onnx');
  /** A program that was built from a source tree. */
  public static readonly PROGRAM = new ArtifactFormat('program');
  /** A measured score, in `result.json`. */
  public static readonly EVALUATION = new ArtifactFormat('evaluation');
  /** A measured speed, in `result.json`. */
  public static readonly BENCHMARK = new ArtifactFormat('benchmark');
  /** Answers to prompts, in `answers.jsonl`. */
  public static readonly ANSWERS = new ArtifactFormat('answers');
  /** The files of a source repository at one commit. */
  public static readonly SOURCE_TREE = new ArtifactFormat('source-tree');

  /**
   * A format of your own.
   *
   * @throws if the name is not lower case kebab-case
   */
  public static custom(name: string): ArtifactFormat {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
      throw new Error(`an artifact format must be kebab-case, like 'mindspore-shards', got '${name}'`);
    }
    return new ArtifactFormat(name);
  }

  private constructor(
    /** The format's name, as it stands in markers. */
    public readonly name: string,
  ) {}

  /** The format's name. */
  public toString(): string {
    return this.name;
  }
}
