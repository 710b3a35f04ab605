/** Which generation a model belongs to: prompt format, tokenizer and remote code follow from it. */
export enum GlmFamily {
  /** ChatGLM-6B: two-dimensional positions, `ice_text.model`. */
  CHATGLM = 'chatglm',
  /** ChatGLM2-6B: multi-query attention, `[Round n]` prompts. */
  CHATGLM2 = 'chatglm2',
  /** ChatGLM3-6B: role tokens and tools. */
  CHATGLM3 = 'chatglm3',
  /** GLM-4-9B. */
  GLM4 = 'glm4',
}

/** The shape of a model, from its `config.json`. */
export interface GlmShape {
  /** Transformer layers. */
  readonly layers: number;
  /** Hidden size. */
  readonly hiddenSize: number;
  /** Inner size of the feed-forward layers. */
  readonly ffnHiddenSize: number;
  /** Attention heads. */
  readonly heads: number;
  /** Heads that keep keys and values (groups of multi-query attention). */
  readonly kvHeads: number;
  /** Rows of the embedding. */
  readonly vocabSize: number;
}

/** The facts of a model. */
export interface GlmModelProps {
  /** The model's name, unique, e.g. `chatglm3-6b`; it names directories and the served model. */
  readonly name: string;
  /** Its generation. */
  readonly family: GlmFamily;
  /** Its shape. */
  readonly shape: GlmShape;
  /** Bytes of the published 16-bit weights. */
  readonly weightsBytes: number;
  /** The longest sequence in tokens that its `config.json` allows. */
  readonly maxSequenceLength: number;
  /** The licence of the weights. */
  readonly license: string;

  /**
   * Repository on Hugging Face, e.g. `THUDM/chatglm3-6b`.
   *
   * @default - none: `WeightSource.huggingFace` needs `repository`
   */
  readonly huggingFace?: string;

  /**
   * Repository on ModelScope, e.g. `ZhipuAI/chatglm3-6b`.
   *
   * @default - none: `WeightSource.modelScope` needs `repository`
   */
  readonly modelScope?: string;

  /**
   * Which weight files of the repository are taken: `bin` or `safetensors`. Some repositories hold both.
   *
   * @default 'safetensors'
   */
  readonly weightFiles?: string;

  /**
   * The tokenizer's file.
   *
   * @default 'tokenizer.model'
   */
  readonly tokenizerFile?: string;

  /**
   * Whether its repository has Python code of its own; newer models are part of transformers.
   *
   * @default true
   */
  readonly remoteCode?: boolean;

  /**
   * Revisions that a runtime's guide names, by runtime name.
   *
   * @default - none: a source needs `revision`
   */
  readonly revisions?: { [runtime: string]: string };
}

const GLM6B: GlmShape = { layers: 28, hiddenSize: 4096, ffnHiddenSize: 16384, heads: 32, kvHeads: 32, vocabSize: 130528 };
const GLM2: GlmShape = { layers: 28, hiddenSize: 4096, ffnHiddenSize: 13696, heads: 32, kvHeads: 2, vocabSize: 65024 };
const GLM4: GlmShape = { layers: 40, hiddenSize: 4096, ffnHiddenSize: 13696, heads: 32, kvHeads: 2, vocabSize: 151552 };
const GLM2_BYTES = 12487168064;
const GLM4_BYTES = 18.8e9;

function chatglm2(name: string, rest: Partial<GlmModelProps> = {}): GlmModelProps {
  return {
    name, family: GlmFamily.CHATGLM2, shape: GLM2, weightsBytes: GLM2_BYTES, maxSequenceLength: 32768, license: 'ChatGLM2-6B model license',
    huggingFace: `THUDM/${name}`, weightFiles: 'bin', ...rest,
  };
}

function chatglm3(name: string, maxSequenceLength: number, rest: Partial<GlmModelProps> = {}): GlmModelProps {
  return {
    name, family: GlmFamily.CHATGLM3, shape: GLM2, weightsBytes: GLM2_BYTES, maxSequenceLength, license: 'ChatGLM3-6B model license',
    huggingFace: `THUDM/${name}`, modelScope: `ZhipuAI/${name}`, weightFiles: 'bin', ...rest,
  };
}

function glm4(name: string, maxSequenceLength: number, rest: Partial<GlmModelProps> = {}): GlmModelProps {
  return {
    name: name.toLowerCase(), family: GlmFamily.GLM4, shape: GLM4, weightsBytes: GLM4_BYTES, maxSequenceLength, license: 'glm-4 license',
    huggingFace: `THUDM/${name}`, modelScope: `ZhipuAI/${name}`, ...rest,
  };
}

/**
 * A model of the GLM family.
 *
 * Shapes, lengths and sizes are those of the published `config.json` and index files; the repositories moved from `THUDM` to `zai-org`
 * and redirect. A size marked as a page sum was added up from the repository's page, whose index gives no total.
 */
export class GlmModel {
  /** ChatGLM-6B, the slim checkpoint (vocabulary 130528); the size is the page sum of its eight `.bin` files. */
  public static readonly CHATGLM_6B = new GlmModel({
    name: 'chatglm-6b', family: GlmFamily.CHATGLM, shape: GLM6B, weightsBytes: 13.4e9, maxSequenceLength: 2048, license: 'ChatGLM-6B model license',
    huggingFace: 'THUDM/chatglm-6b', weightFiles: 'bin', tokenizerFile: 'ice_text.model',
  });

  /** ChatGLM2-6B. The ATB guide (ModelLink@839b2483) is written for one revision. */
  public static readonly CHATGLM2_6B = new GlmModel(chatglm2('chatglm2-6b', {
    revisions: { 'atb-models': '4e38bef4c028beafc8fb1837462f74c02e68fcc2' }, // source: ModelLink@839b2483 examples/chatglm2/6b/README.md
  }));

  /** ChatGLM2-6B-32K; the size is inferred from its equal shape. */
  public static readonly CHATGLM2_6B_32K = new GlmModel(chatglm2('chatglm2-6b-32k'));

  /** ChatGLM3-6B; its repository holds the weights twice, as `.bin` and as `.safetensors`. */
  public static readonly CHATGLM3_6B = new GlmModel(chatglm3('chatglm3-6b', 8192, {
    weightFiles: 'safetensors',
    revisions: { mindie: 'a5ba5501eb873d40d48bd0983bd2a8dd006bb838' }, // source: MindIE-LLM@8b4871ad examples/models/chatglm/v3_6b
  }));

  /** ChatGLM3-6B-Base; its length in `config.json` is inferred. */
  public static readonly CHATGLM3_6B_BASE = new GlmModel(chatglm3('chatglm3-6b-base', 32768));
  /** ChatGLM3-6B-32K. */
  public static readonly CHATGLM3_6B_32K = new GlmModel(chatglm3('chatglm3-6b-32k', 32768));
  /** ChatGLM3-6B-128K; its repository holds the weights twice. */
  public static readonly CHATGLM3_6B_128K = new GlmModel(chatglm3('chatglm3-6b-128k', 131072, { weightFiles: 'safetensors' }));

  /** GLM-4-9B, the base model; the size is a page sum. */
  public static readonly GLM_4_9B = new GlmModel(glm4('glm-4-9b', 8192));
  /** GLM-4-9B-Chat; the size is a page sum. */
  public static readonly GLM_4_9B_CHAT = new GlmModel(glm4('glm-4-9b-chat', 131072, {
    revisions: { mindie: 'e824789b14985787c181beaac940d103b2516cb0' }, // source: MindIE-LLM@8b4871ad examples/models/chatglm/v4_9b
  }));
  /** GLM-4-9B-Chat-1M, with four groups of keys and values; the size is a page sum. */
  public static readonly GLM_4_9B_CHAT_1M = new GlmModel(glm4('glm-4-9b-chat-1m', 1048576, {
    shape: { ...GLM4, kvHeads: 4 }, weightsBytes: 19.0e9,
  }));
  /** GLM-4-9B-0414; no source for its size, which is inferred from its equal shape. */
  public static readonly GLM_4_9B_0414 = new GlmModel(glm4('GLM-4-9B-0414', 32768, {
    license: 'MIT (not verified)', remoteCode: false, tokenizerFile: 'tokenizer.json',
  }));

  /**
   * A model that the catalogue lacks, a fine-tune for example.
   *
   * @throws if the name is no Kubernetes name, a number is not positive, or heads do not divide the hidden size
   */
  public static custom(props: GlmModelProps): GlmModel {
    return new GlmModel(props);
  }

  /** Every model of the catalogue. */
  public static all(): GlmModel[] {
    return Object.values(GlmModel).filter((value): value is GlmModel => value instanceof GlmModel);
  }

  /** The model's name. */
  public readonly name: string;
  /** Its generation. */
  public readonly family: GlmFamily;
  /** Its shape. */
  public readonly shape: GlmShape;
  /** Bytes of the published 16-bit weights. */
  public readonly weightsBytes: number;
  /** The longest sequence in tokens. */
  public readonly maxSequenceLength: number;
  /** The licence of the weights. */
  public readonly license: string;
  /** Repository on Hugging Face. */
  public readonly huggingFace?: string;
  /** Repository on ModelScope. */
  public readonly modelScope?: string;
  private readonly props: GlmModelProps;

  private constructor(props: GlmModelProps) {
    checkModel(props);
    this.name = props.name;
    this.family = props.family;
    this.shape = Object.freeze({ ...props.shape });
    this.weightsBytes = props.weightsBytes;
    this.maxSequenceLength = props.maxSequenceLength;
    this.license = props.license;
    this.huggingFace = props.huggingFace;
    this.modelScope = props.modelScope;
    this.props = { ...props, revisions: { ...props.revisions } };
  }

  /** Number of parameters, from the 16-bit weights. */
  public get parameters(): number {
    return this.weightsBytes / 2;
  }

  /** Bytes of keys and values that one token occupies in 16 bits. */
  public get kvBytesPerToken(): number {
    const { layers, hiddenSize, heads, kvHeads } = this.shape;
    return layers * 2 * kvHeads * (hiddenSize / heads) * 2;
  }

  /** Glob patterns of the files that a runtime needs: configuration, remote code, tokenizer and one form of the weights. */
  public get filePatterns(): string[] {
    const { weightFiles = 'safetensors', tokenizerFile = 'tokenizer.model' } = this.props;
    return [...new Set(['*.json', '*.py', tokenizerFile, `*.${weightFiles}`])];
  }

  /** Glob patterns of which each must match at least one file of a complete copy. */
  public get requiredPatterns(): string[] {
    const { weightFiles = 'safetensors', tokenizerFile } = this.props;
    return ['config.json', ...(this.family === GlmFamily.GLM4 && tokenizerFile === undefined ? [] : [tokenizerFile ?? 'tokenizer.model']), `*.${weightFiles}`];
  }

  /** Typical names of files without which the model does not load. */
  public get essentialFiles(): string[] {
    const { weightFiles = 'safetensors', tokenizerFile = 'tokenizer.model', remoteCode = true } = this.props;
    const stem = weightFiles === 'bin' ? 'pytorch_model' : 'model';
    return [
      'config.json', 'tokenizer_config.json', tokenizerFile,
      ...(remoteCode ? ['configuration_chatglm.py', 'modeling_chatglm.py', 'tokenization_chatglm.py'] : []),
      `${stem}-00001-of-00007.${weightFiles}`, `${stem}.${weightFiles}.index.json`,
    ];
  }

  /** The revision that the guide of a runtime names, if it names one. */
  public revisionFor(runtime: string): string | undefined {
    return this.props.revisions?.[runtime];
  }

  /** The model's name. */
  public toString(): string {
    return this.name;
  }
}

function checkModel({ name, shape, weightsBytes, maxSequenceLength, weightFiles }: GlmModelProps): void {
  if (!/^[a-z0-9]([-a-z0-9.]{0,50}[a-z0-9])?$/.test(name)) {
    throw new Error(`'name' of a model must be lower case letters, digits, '-' and '.', at most 52, got '${name}'`);
  }
  const numbers = { ...shape, weightsBytes, maxSequenceLength };
  const wrong = Object.entries(numbers).find(([, value]) => !Number.isInteger(value) || value < 1);
  if (wrong !== undefined) {
    throw new Error(`'${wrong[0]}' of model '${name}' must be a whole number from 1, got ${String(wrong[1])}`);
  }
  if (shape.hiddenSize % shape.heads !== 0 || shape.heads % shape.kvHeads !== 0) {
    throw new Error(`'heads' of model '${name}' must divide 'hiddenSize' and be a multiple of 'kvHeads', got ${String(shape.heads)}, `
      + `${String(shape.hiddenSize)} and ${String(shape.kvHeads)}`);
  }
  if (weightFiles !== undefined && weightFiles !== 'bin' && weightFiles !== 'safetensors') {
    throw new Error(`'weightFiles' of model '${name}' must be 'bin' or 'safetensors', got '${weightFiles}'`);
  }
}
