import type { Accelerator } from '../accelerators/accelerator';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkHeld, holding } from '../artifacts/held-model';
import { GlmModel } from '../models/glm-model';
import { checkImage } from '../image';
import { atbModels, type AtbModelsOptions } from './atb-models';
import { cambriconPyTorch, type CambriconPyTorchOptions } from './cambricon-pytorch';
import { echo } from './echo';
import { mindFormers } from './mind-formers/mind-formers';
import type { MindFormersOptions } from './mind-formers/options';
import { mindIe, type MindIeOptions } from './mind-ie';
import type { RankTable } from './rank-table';
import type { FinetuneRequest, FinetuneTask, RuntimeDialect, ServeRequest, ServeTask, Steps } from './runtime-dialect';
import type { ServingBackend } from './serving-backend';
import { sophon } from './sophon';
import type { SophonOptions } from './sophon-options';
import type { ChatRequest, StepRequests } from './step-requests';
import type { StepTask, Task } from './task';
import { torchNpu, type TorchNpuOptions } from './torch-npu';

/** Options of `Runtime.echo`. */
export interface EchoOptions {
  /**
   * An image with Python 3.7 or later.
   *
   * @default - a small public Python image
   */
  readonly image?: string;
}

/** A software stack that runs GLM models on some chips: it knows the commands, images and limits of its vendor's guide. */
export class Runtime {
  /**
   * MindFormers on MindSpore: fine-tuning on Ascend 910, and all that leads to it and follows from it.
   *
   * @throws if the image is not pinned, or the source tree is no source tree
   */
  public static mindFormers(options: MindFormersOptions): Runtime {
    return new Runtime(mindFormers(options));
  }

  /**
   * PyTorch with Ascend Transformer Boost: ChatGLM2 on 310P and 910B.
   *
   * @throws if the image is not pinned
   */
  public static atbModels(options: AtbModelsOptions): Runtime {
    return new Runtime(atbModels(options));
  }

  /**
   * MindIE, Huawei's inference server: ChatGLM2, ChatGLM3 and GLM-4-9B on 910B, 910C and the 300I Duo.
   *
   * @throws if the image is not pinned
   */
  public static mindIe(options: MindIeOptions): Runtime {
    return new Runtime(mindIe(options));
  }

  /**
   * transformers on torch_npu: every published model, on one 910B.
   *
   * @throws if the image is not pinned
   */
  public static torchNpu(options: TorchNpuOptions): Runtime {
    return new Runtime(torchNpu(options));
  }

  /**
   * Cambricon's PyTorch: ChatGLM-6B on MLU370.
   *
   * @throws if the image is not pinned
   */
  public static cambriconPyTorch(options: CambriconPyTorchOptions): Runtime {
    return new Runtime(cambriconPyTorch(options));
  }

  /**
   * Sophgo's TPU runtime: ChatGLM3 on BM1684X.
   *
   * @throws if the image is not pinned
   */
  public static sophon(options: SophonOptions): Runtime {
    return new Runtime(sophon(options));
  }

  /** No model and no devices: a server that answers with text made from the question. It runs on any cluster. */
  public static echo(options: EchoOptions = {}): Runtime {
    if (options.image !== undefined) {
      checkImage('image', options.image);
    }
    return new Runtime(echo(options.image));
  }

  /** The runtime's name, e.g. `mindformers`. */
  public readonly name: string;
  /** Whether it runs on vendor devices. */
  public readonly needsAccelerator: boolean;
  /** @internal */
  public readonly _backend: ServingBackend;

  private constructor(private readonly dialect: RuntimeDialect) {
    this.name = dialect.name;
    this.needsAccelerator = dialect.needsAccelerator;
    this._backend = dialect.backend;
  }

  /** Names of the models that it supports, or undefined for all; a copy. */
  public get models(): string[] | undefined {
    return this.dialect.models && [...this.dialect.models];
  }

  /** What it can do: `serve`, `fine-tune`, `chat` and the names of the steps that it knows. */
  public get tasks(): string[] {
    const { dialect } = this;
    return ['serve', ...(dialect.finetune ? ['fine-tune'] : []), ...(dialect.chat ? ['chat'] : []), ...Object.keys(dialect.steps ?? {})];
  }

  /** Whether the runtime supports the chip. The echo runtime supports all. */
  public supports(accelerator: Accelerator): boolean {
    return !this.needsAccelerator || accelerator.runtimes.includes(this.name);
  }

  /** @internal */
  public get _rankTable(): RankTable | undefined {
    return this.dialect.rankTable;
  }

  /** @internal */
  public _serve(request: ServeRequest): ServeTask {
    this.checkModel(request.model);
    this.checkChip(request.accelerator);
    const { weightsFormat, furtherFormats = [] } = this.dialect;
    if (weightsFormat !== undefined && request.weights === undefined && request.backend.name === this.dialect.backend.name) {
      throw new Error(`'weights' are missing: runtime '${this.name}' serves an artifact of format ${String(weightsFormat)}`);
    }
    if (weightsFormat !== undefined) {
      request.weights?._require([weightsFormat, ...furtherFormats], 'weights', `runtime '${this.name}' reads no other`);
    }
    checkHeld(request, request.model);
    return this.dialect.serve(request);
  }

  /** @internal */
  public _finetune(request: FinetuneRequest): FinetuneTask {
    if (this.dialect.finetune === undefined) {
      throw new Error(`runtime '${this.name}' cannot fine-tune; use Runtime.mindFormers`);
    }
    this.checkModel(request.model);
    this.checkChip(request.accelerator);
    checkHeld(request, request.model);
    const task = this.dialect.finetune(request);
    holding(task.output, request.model);
    return task;
  }

  /** @internal */
  public _chat(request: ChatRequest): Task {
    this.checkModel(request.model);
    this.checkChip(request.accelerator);
    if (this.dialect.chat === undefined) {
      throw new Error(`runtime '${this.name}' has no chat; it can ${this.tasks.join(', ')}`);
    }
    checkHeld(request, request.model);
    return this.dialect.chat(request);
  }

  /**
   * The format that weights of another are converted to.
   *
   * @internal
   */
  public _converted({ name }: ArtifactFormat): ArtifactFormat {
    const { weightsFormat = ArtifactFormat.HUGGING_FACE } = this.dialect;
    return weightsFormat.name === name ? ArtifactFormat.HUGGING_FACE : weightsFormat;
  }

  /** @internal */
  public _step<Name extends keyof StepRequests>(name: Name, request: StepRequests[Name]): StepTask {
    const step: Steps[Name] = this.dialect.steps?.[name];
    if (step === undefined) {
      throw new Error(`runtime '${this.name}' has no step '${name}'; it can ${this.tasks.join(', ')}`);
    }
    const model = 'model' in request ? request.model : undefined;
    if (model !== undefined) {
      this.checkModel(model);
      checkHeld(request, model);
    }
    if (request.accelerator !== undefined) {
      this.checkChip(request.accelerator);
    }
    const task = step(request);
    // A data set belongs to no model.
    if (model !== undefined && name !== 'dataset') {
      holding(task.output, model);
    }
    return task;
  }

  private checkModel(model: GlmModel): void {
    const { models } = this.dialect;
    if (models?.includes(model.name) === false && !isRelative(model, models)) {
      throw new Error(`runtime '${this.name}' does not support ${model.name}; it supports ${models.join(', ')}`);
    }
  }

  private checkChip(accelerator: Accelerator | undefined): void {
    if (accelerator !== undefined && !this.supports(accelerator)) {
      const others = accelerator.runtimes.length > 0 ? `supported by ${accelerator.runtimes.join(', ')}` : 'supported by no runtime of this library';
      const reason = this.dialect.unsupported?.[accelerator.series];
      throw new Error(`runtime '${this.name}' does not support ${accelerator.name}, which is ${others}${reason === undefined ? '' : `; ${reason}`}`);
    }
    if (accelerator === undefined && this.needsAccelerator) {
      throw new Error(`'accelerator' is missing: runtime '${this.name}' needs one`);
    }
  }
}

/** A custom model, a fine-tune for example, runs where a model of its generation runs. */
function isRelative({ name, family }: GlmModel, models: readonly string[]): boolean {
  const catalogue = GlmModel.all();
  return !catalogue.some((model) => model.name === name) && catalogue.some((model) => models.includes(model.name) && model.family === family);
}
