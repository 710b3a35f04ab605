import { Chart, type ChartProps, Size } from 'cdk8s';
import type { Construct } from 'constructs';

import { BuildProgram } from '../constructs/build-program';
import { ChatSession, type ChatSessionProps } from '../constructs/chat-session';
import { CompileBmodel } from '../constructs/compile-bmodel';
import { DownloadFiles } from '../constructs/download-files';
import { DownloadWeights } from '../constructs/download-weights';
import { ExportOnnx } from '../constructs/export-onnx';
import { InferenceDeployment } from '../constructs/inference-deployment';
import { ModelStore } from '../constructs/model-store';
import { PatchModel } from '../constructs/patch-model';
import { WebInterface } from '../constructs/web-interface';
import { Accelerator } from '../lib/accelerators/accelerator';
import type { DevicePlugin } from '../lib/accelerators/device-plugin';
import { Dtype } from '../lib/accelerators/dtype';
import type { Architecture, NodeType } from '../lib/accelerators/node-type';
import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { WeightSource } from '../lib/artifacts/weight-source';
import { GlmModel } from '../lib/models/glm-model';
import { ModelPatch } from '../lib/models/model-patch';
import { Platform } from '../lib/platform';
import type { PlatformProps } from '../lib/platform-props';
import { Runtime } from '../lib/runtimes/runtime';

/** ChatGLM3-6B on Sophgo BM1684X. */
export interface SophonChatglm3ChartProps extends ChartProps {
  /** An image with libsophon, Python 3 and what builds LLM-TPU's programs; `container/images/sophon/Dockerfile` builds it. */
  readonly image: string;
  /** Where the weights come from; with `readyBmodel`, where the ready bmodel and its `tokenizer.model` come from. */
  readonly weightSource: WeightSource;

  /**
   * An image with TPU-MLIR; `container/images/tpu-mlir/Dockerfile` builds it.
   *
   * @default - none, which only a ready bmodel can do without
   */
  readonly compilerImage?: string;

  /**
   * Whether `weightSource` holds a ready bmodel, so that nothing is compiled. One for several chips must be of LLM-TPU@909f9dab, whose
   * program runs it: with 59 networks, without `greedy_head`.
   *
   * @default false
   */
  readonly readyBmodel?: boolean;

  /**
   * Precision of the compiled weights: FLOAT16, INT8 or INT4.
   *
   * @default Dtype.FLOAT16
   */
  readonly dtype?: Dtype;

  /**
   * Chips that work together: 1, 2, 4 or 8. On more than one there is the terminal only, because LLM-TPU's Python extension, which the
   * server loads, runs on one; and all is made with the sources of LLM-TPU@909f9dab, the last whose program runs what they compile.
   *
   * @default 1
   */
  readonly devices?: number;

  /**
   * Tokens of a sequence, prompt and answer together. The model is patched, exported and compiled for it.
   *
   * @default 512
   */
  readonly seqLength?: number;

  /**
   * The server product: a host with PCIe cards or a SoC.
   *
   * @default - the product of the platform that has the chip
   */
  readonly nodeType?: NodeType;

  /**
   * The device plugin.
   *
   * @default - the plugin of the platform that names the chip
   */
  readonly devicePlugin?: DevicePlugin;

  /**
   * What the cluster offers.
   *
   * @default - that of the app
   */
  readonly platform?: PlatformProps;

  /**
   * A store that everything is kept on.
   *
   * @default - a new claim of `storeSize`
   */
  readonly store?: IArtifactStore;

  /**
   * The StorageClass of the new claim.
   *
   * @default - the cluster's default
   */
  readonly storageClassName?: string;

  /**
   * The size of the new claim. Export and compilation need 300 GB beside the weights.
   *
   * @default - Size.gibibytes(400), or 60 for a ready bmodel
   */
  readonly storeSize?: Size;

  /**
   * Servers.
   *
   * @default 1
   */
  readonly replicas?: number;

  /**
   * Whether there is a page to talk to the model.
   *
   * @default true
   */
  readonly web?: boolean;

  /**
   * Whether there is a Job to talk to the model on a terminal; it takes chips while it runs.
   *
   * @default - only with several `devices`
   */
  readonly cli?: boolean;
}

const LLM_TPU_COMMIT = 'edb7f13e1fab7afee4be24eeed42fa51e1f3a273'; // source: sophgo/LLM-TPU models/ChatGLM3/README.md, 2024-04-17

/**
 * For several chips, which only the C++ program runs. It has not changed from here (2024-03-14) to LLM_TPU_COMMIT, but since eaef903 (2024-04-02)
 * compile.sh adds greedy_head and penalty_sample_head, which demo/demo.cpp takes for a 29th layer, and lm_head gives scores where it reads a token.
 */
const LLM_TPU_COMMIT_OF_SEVERAL_CHIPS = '909f9dabcab77bffbce63db8485700b8b18860af';
const SENTENCEPIECE = 'https://github.com/google/sentencepiece/archive/refs/tags/v0.1.99.tar.gz';
const MODEL = GlmModel.CHATGLM3_6B;

/**
 * The guide of sophgo/LLM-TPU@edb7f13e (models/ChatGLM3; 909f9dab for several chips) as Kubernetes objects: weights, the two patches, export, compilation, the Python
 * extension, a server, a page and a terminal. Or a ready bmodel instead of the first four.
 */
export class SophonChatglm3Chart extends Chart {
  /** The bmodel and its tokenizer. */
  public readonly bmodel: Artifact;
  /** The server, for one chip. */
  public readonly server?: InferenceDeployment;
  /** The processors of the nodes with the chips, where they are known: a SoC is not what the cluster's other nodes are. */
  private readonly architecture?: Architecture;

  /**
   * @throws if precision, chips, images and store do not go together
   */
  constructor(scope: Construct, id: string, props: SophonChatglm3ChartProps) {
    super(scope, id, props);
    if (props.platform !== undefined) {
      Platform.attach(this, props.platform);
    }
    const { devices = 1, dtype = Dtype.FLOAT16, seqLength = 512, weightSource } = props;
    this.architecture = (props.nodeType ?? Platform.of(this).nodeTypeOf(Accelerator.BM1684X))?.architecture;
    const store = props.store ?? this.newStore(props);
    const tools = this.tools(store, props, devices);
    this.bmodel = props.readyBmodel === true ? this.ready(store, weightSource) : this.compiled(store, tools, { weightSource, devices, dtype, seqLength });
    this.server = this.interfaces(props, {
      model: MODEL, runtime: this.runtime(store, tools, props.image, devices), weights: this.bmodel, accelerator: Accelerator.BM1684X, devices, dtype,
      contextLength: seqLength, nodeType: props.nodeType, devicePlugin: props.devicePlugin,
    });
  }

  private interfaces({ replicas, image, web = true, cli }: SophonChatglm3ChartProps, model: ChatSessionProps & { readonly devices: number }): InferenceDeployment | undefined {
    const server = model.devices === 1 ? new InferenceDeployment(this, 'serve', { ...model, replicas }) : undefined;
    if (server && web) {
      new WebInterface(this, 'web', { server, image, ...(this.architecture && { nodeSelector: { 'kubernetes.io/arch': this.architecture } }) });
    }
    if (cli ?? model.devices > 1) {
      new ChatSession(this, 'cli', model);
    }
    return server;
  }

  private newStore({ storeSize, readyBmodel, storageClassName }: SophonChatglm3ChartProps): ModelStore {
    return new ModelStore(this, 'store', { size: storeSize ?? Size.gibibytes(readyBmodel === true ? 60 : 400), storageClassName });
  }

  private tools(store: IArtifactStore, { image, compilerImage }: SophonChatglm3ChartProps, devices: number): Runtime {
    const sentencepieceTree = devices > 1 ? this.sentencepiece(store) : undefined;
    return Runtime.sophon({ image, compilerImage, sentencepieceTree, sourceTree: this.tree(store, devices) });
  }

  /** On one chip the Python extension answers, on several the C++ program. */
  private runtime(store: IArtifactStore, tools: Runtime, image: string, devices: number): Runtime {
    const build = (id: string, program: string): Artifact => new BuildProgram(this, id, { runtime: tools, program, store, architecture: this.architecture }).artifact;
    return Runtime.sophon(devices === 1 ? { image, extension: build('extension', 'python-demo') } : { image, program: build('program', 'demo') });
  }

  private tree(store: IArtifactStore, devices: number): Artifact {
    const source = WeightSource.gitHubCommit('sophgo/LLM-TPU', devices > 1 ? LLM_TPU_COMMIT_OF_SEVERAL_CHIPS : LLM_TPU_COMMIT);
    return new DownloadFiles(this, 'llm-tpu', {
      store, source, format: ArtifactFormat.SOURCE_TREE, size: Size.gibibytes(2), require: ['models/ChatGLM3/compile/compile.sh'],
    }).artifact;
  }

  private sentencepiece(store: IArtifactStore): Artifact {
    const source = WeightSource.archive({ url: SENTENCEPIECE, stripComponents: 1, trustOnFirstUse: true });
    return new DownloadFiles(this, 'sentencepiece', { store, source, format: ArtifactFormat.SOURCE_TREE, require: ['src/sentencepiece_processor.h'] }).artifact;
  }

  private ready(store: IArtifactStore, source: WeightSource): Artifact {
    return new DownloadWeights(this, 'bmodel', { store, source, model: MODEL, format: ArtifactFormat.BMODEL }).artifact;
  }

  private compiled(store: IArtifactStore, runtime: Runtime, { weightSource: source, dtype, devices, seqLength }: Compilation): Artifact {
    const weights = new DownloadWeights(this, 'weights', { store, source, model: MODEL }).artifact;
    const patched = new PatchModel(this, 'patch', { weights, patches: ModelPatch.forSophonExport(), config: { seq_length: seqLength } }).artifact;
    const onnx = new ExportOnnx(this, 'export', { model: MODEL, runtime, weights: patched, seqLength }).artifact;
    return new CompileBmodel(this, 'compile', { model: MODEL, runtime, onnx, weights: patched, dtype, devices }).artifact;
  }
}

/** What a bmodel is made of and for. */
interface Compilation {
  readonly weightSource: WeightSource;
  readonly dtype: Dtype;
  readonly devices: number;
  readonly seqLength: number;
}
