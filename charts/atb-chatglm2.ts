import { Chart, Size } from 'cdk8s';
import type { Construct } from 'constructs';

import { Benchmark } from '../constructs/benchmark';
import { ChatSession } from '../constructs/chat-session';
import { CompressWeights } from '../constructs/compress-weights';
import { DownloadFiles } from '../constructs/download-files';
import { DownloadWeights } from '../constructs/download-weights';
import { Evaluate } from '../constructs/evaluate';
import { InferenceDeployment } from '../constructs/inference-deployment';
import { located } from '../constructs/located';
import { ModelStore } from '../constructs/model-store';
import { PatchModel } from '../constructs/patch-model';
import { QuantizeWeights } from '../constructs/quantize-weights';
import { ShardWeights } from '../constructs/shard-weights';
import { WebInterface } from '../constructs/web-interface';
import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { WeightSource } from '../lib/artifacts/weight-source';
import { GlmModel } from '../lib/models/glm-model';
import { Platform } from '../lib/platform';
import { Runtime } from '../lib/runtimes/runtime';
import type { AtbChatglm2ChartProps } from './atb-chatglm2-props';
import { AtbPrecision } from './atb-precision';

const MODEL = GlmModel.CHATGLM2_6B;

// source: the guide itself, mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b/README.md of this commit
const MODEL_LINK_COMMIT = '839b2483e3c815ddbfcb8f314a541e8e93d2cf1a';
const EXAMPLE = 'mindie_ref/mindie_llm/atb_models/pytorch/examples/chatglm2/6b';

/** Archives that the guide names (ModelLink@839b2483 examples/chatglm2/6b/README.md), by chip series. It gives no checksums. */
const QUANTIZED_ARCHIVES: Readonly<Record<string, string>> = {
  '310P': 'https://model-weight.obs.cn-north-4.myhuaweicloud.com/chatglm2_6B_310p.tar.gz',
  '910B': 'https://model-weight.obs.cn-north-4.myhuaweicloud.com/chatglm2_6B_910b.tar.gz',
};
const CEVAL_ARCHIVE = 'https://cloud.tsinghua.edu.cn/f/e84444333b6d434ea7b0/?dl=1';

const BENCHMARK_PAIRS = [256, 512, 1024].map((tokens) => ({ input: tokens, output: tokens }));

/**
 * ChatGLM2-6B on Ascend Transformer Boost, from nothing to a served model: weights, source tree and C-Eval are downloaded, `config.json` is
 * completed, weights are quantized, cut and compressed as the precision asks for, accuracy and speed are measured, and the model is served.
 */
export class AtbChatglm2Chart extends Chart {
  /** What the server runs from. */
  public readonly weights: Artifact;
  /** The server. */
  public readonly server: InferenceDeployment;

  /**
   * @throws if chip, precision and devices do not go together, or sparse weights are wanted without `modelSlimImage`
   */
  constructor(scope: Construct, id: string, props: AtbChatglm2ChartProps) {
    super(scope, id, props);
    if (props.platform !== undefined) {
      Platform.attach(this, props.platform);
    }
    located(this, () => { checkPrecision(props); });
    const steps = new AtbSteps(this, props);
    this.weights = steps.runnable();
    steps.measure(this.weights);
    this.server = steps.serve(this.weights);
  }
}

function checkPrecision({ precision = AtbPrecision.FLOAT, modelSlimImage, quantizedSource }: AtbChatglm2ChartProps): void {
  if (precision === AtbPrecision.SPARSE && modelSlimImage === undefined) {
    throw new Error('\'modelSlimImage\' is missing: no sparse weights are published, so they are made here');
  }
  if (quantizedSource !== undefined && (modelSlimImage !== undefined || precision === AtbPrecision.FLOAT)) {
    throw new Error('\'quantizedSource\' is for precision w8a8 without \'modelSlimImage\'; leave it out');
  }
}

/** The steps of the guide, in its order. */
class AtbSteps {
  private readonly store: IArtifactStore;
  private readonly runtime: Runtime;
  private readonly precision: AtbPrecision;
  private readonly devices: number;
  private ceval?: Artifact;

  public constructor(private readonly chart: Chart, private readonly props: AtbChatglm2ChartProps) {
    const { store, storeSize = Size.gibibytes(100), storageClassName, image, modelSlimImage, compressorToolkit } = props;
    this.store = store ?? new ModelStore(chart, 'store', { size: storeSize, ...(storageClassName !== undefined && { storageClassName }) });
    this.precision = props.precision ?? AtbPrecision.FLOAT;
    this.devices = props.tensorParallel ?? 1;
    const tree = new DownloadFiles(chart, 'modellink', {
      store: this.store, format: ArtifactFormat.SOURCE_TREE, source: WeightSource.gitHubCommit('aeeeeeep/ModelLink', MODEL_LINK_COMMIT), require: [`${EXAMPLE}/main.py`],
    });
    this.runtime = located(chart, () => Runtime.atbModels({ image, modelSlimImage, compressorToolkit, sourceTree: tree.artifact }));
  }

  /** What the model runs from: published weights on one device, else shards of one form or another. */
  public runnable(): Artifact {
    const { precision, devices, chart } = this;
    const weights = this.configured();
    if (precision === AtbPrecision.FLOAT && devices === 1) {
      return weights;
    }
    const quantized = precision === AtbPrecision.FLOAT ? undefined : this.quantized(weights);
    const { artifact } = new ShardWeights(chart, 'shard', {
      model: MODEL, runtime: this.runtime, weights, quantized, tensorParallel: devices, accelerator: this.props.accelerator,
    });
    return precision === AtbPrecision.SPARSE ? new CompressWeights(chart, 'compress', { model: MODEL, runtime: this.runtime, from: artifact }).artifact : artifact;
  }

  /** Accuracy and speed. */
  public measure(weights: Artifact): void {
    const { evaluate = true, minimumScore, benchmarkPairs = BENCHMARK_PAIRS } = this.props;
    if (evaluate) {
      new Evaluate(this.chart, 'evaluate', {
        ...this.model(weights), dataset: this.dataset(), batchSize: 8, contextLength: EVALUATED_TOKENS, ...(minimumScore !== undefined && { minimumScores: { accuracy: minimumScore } }),
      });
    }
    if (benchmarkPairs.length > 0) {
      new Benchmark(this.chart, 'benchmark', { ...this.model(weights), sequencePairs: benchmarkPairs });
    }
  }

  /** The server, and the ways to talk to the model beside its API. */
  public serve(weights: Artifact): InferenceDeployment {
    const { contextLength = 2048, replicas, webImage, chatSession = false } = this.props;
    const server = new InferenceDeployment(this.chart, 'serve', { ...this.model(weights), contextLength, replicas });
    if (webImage !== undefined) {
      new WebInterface(this.chart, 'web', { server, image: webImage });
    }
    if (chatSession) {
      new ChatSession(this.chart, 'chat', { ...this.model(weights), contextLength });
    }
    return server;
  }

  private model(weights: Artifact): ModelProps {
    return { model: MODEL, runtime: this.runtime, weights, accelerator: this.props.accelerator, devices: this.devices, dtype: this.precision.dtype };
  }

  private configured(): Artifact {
    const { weightSource = WeightSource.huggingFace(MODEL, { runtime: 'atb-models' }) } = this.props;
    const downloaded = new DownloadWeights(this.chart, 'weights', { model: MODEL, store: this.store, source: weightSource });
    return new PatchModel(this.chart, 'configure', { weights: downloaded.artifact, config: { world_size: 1, float_layers_id: [0] } }).artifact;
  }

  private quantized(weights: Artifact): Artifact {
    const { modelSlimImage, accelerator } = this.props;
    const sparse = this.precision === AtbPrecision.SPARSE;
    return modelSlimImage === undefined ? this.publishedQuantized()
      : new QuantizeWeights(this.chart, 'quantize', { model: MODEL, runtime: this.runtime, weights, calibration: this.dataset(), sparse, accelerator }).artifact;
  }

  private publishedQuantized(): Artifact {
    const source = located(this.chart, () => this.props.quantizedSource ?? quantizedArchive(this.props));
    return new DownloadFiles(this.chart, 'quantized', { store: this.store, source, format: ArtifactFormat.ATB_QUANTIZED, size: Size.gibibytes(10) }).artifact;
  }

  private dataset(): Artifact {
    const { datasetSource = WeightSource.archive({ url: CEVAL_ARCHIVE, trustOnFirstUse: true }) } = this.props;
    this.ceval ??= new DownloadFiles(this.chart, 'ceval', { store: this.store, source: datasetSource, format: ArtifactFormat.DATASET }).artifact;
    return this.ceval;
  }
}

/** What main.py cuts questions of C-Eval to, and its answers (ModelLink@839b2483 main.py, precision). */
const EVALUATED_TOKENS = 2048 + 512;

type ModelProps = Pick<ConstructorParameters<typeof Evaluate>[2], 'model' | 'runtime' | 'weights' | 'accelerator' | 'devices' | 'dtype'>;

function quantizedArchive({ accelerator }: AtbChatglm2ChartProps): WeightSource {
  const url = QUANTIZED_ARCHIVES[accelerator.series];
  if (url === undefined) {
    throw new Error(`no quantized weights are published for ${accelerator.name}; give 'quantizedSource' or 'modelSlimImage'`);
  }
  return WeightSource.archive({ url, trustOnFirstUse: true });
}
