import { Chart, type ChartProps, Size } from 'cdk8s';
import type { Construct } from 'constructs';

import { Benchmark } from '../constructs/benchmark';
import { ChatSession } from '../constructs/chat-session';
import { DownloadFiles } from '../constructs/download-files';
import { DownloadWeights } from '../constructs/download-weights';
import { InferenceDeployment } from '../constructs/inference-deployment';
import { MigrateSources } from '../constructs/migrate-sources';
import { ModelStore } from '../constructs/model-store';
import { PatchModel } from '../constructs/patch-model';
import { WebInterface } from '../constructs/web-interface';
import type { Accelerator } from '../lib/accelerators/accelerator';
import type { DevicePlugin } from '../lib/accelerators/device-plugin';
import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { WeightSource } from '../lib/artifacts/weight-source';
import { GlmModel } from '../lib/models/glm-model';
import { ModelPatch } from '../lib/models/model-patch';
import { Platform } from '../lib/platform';
import type { PlatformProps } from '../lib/platform-props';
import { Runtime } from '../lib/runtimes/runtime';

/** ChatGLM-6B on Cambricon MLU370. */
export interface CambriconChatglmChartProps extends ChartProps {
  /** Cambricon's PyTorch image with the model's dependencies; `container/images/cambricon-pytorch/Dockerfile` builds it. */
  readonly image: string;
  /**
   * Where the weights come from: Hugging Face at a revision whose code is the one of ChatGLM-6B@82c084b, or archives of the shards and
   * of `ice_text.model`. The server tells the slim (130528) and the old (150528) vocabulary apart before it loads anything.
   */
  readonly weightSource: WeightSource;
  /** The chip: MLU370-S4, X4 or X8. */
  readonly accelerator: Accelerator;

  /**
   * The device plugin, or `DevicePlugin.hostDevices()` for a cluster without one.
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
   * The StorageClass of the new claim. With more than one replica it has to be one that nodes can share.
   *
   * @default - the cluster's default
   */
  readonly storageClassName?: string;

  /**
   * The size of the new claim.
   *
   * @default Size.gibibytes(60)
   */
  readonly storeSize?: Size;

  /**
   * Memory of a card, where the catalogue does not know it: no source tells that of MLU370-S4.
   *
   * @default - the chip's
   */
  readonly deviceMemory?: Size;

  /**
   * Servers, one card each.
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
   * Whether there is a Job to talk to the model on a terminal; it takes a card while it runs.
   *
   * @default false
   */
  readonly cli?: boolean;

  /**
   * Whether the speed is measured by a Job, on a card of its own.
   *
   * @default true
   */
  readonly benchmark?: boolean;
}

const CHATGLM_6B_COMMIT = '82c084b1cb5f2c2973cfb2119fb154f4dbc825b6'; // source: CambriconKnight/dev-env-ubuntu@98389ace pytorch1.9/chatglm/README.md
const TRANSFORMERS = 'https://github.com/huggingface/transformers/archive/refs/tags/v4.27.4.tar.gz';

/**
 * The guide of CambriconKnight/dev-env-ubuntu@98389ace (pytorch1.9/chatglm) as Kubernetes objects: weights and sources, both trees migrated by
 * the vendor's tool, the model's remote code patched for torch 1.9, a server, a page, a terminal and a benchmark.
 */
export class CambriconChatglmChart extends Chart {
  /** The server. */
  public readonly server: InferenceDeployment;
  /** The repository ChatGLM-6B as the vendor's tool migrated it, with its report. The server does not need it: it answers what `api.py` did. */
  public readonly chatGlmTree: Artifact;

  /**
   * @throws if chip, plugin, image and store do not go together
   */
  constructor(scope: Construct, id: string, props: CambriconChatglmChartProps) {
    super(scope, id, props);
    const { image, accelerator, devicePlugin, deviceMemory, storageClassName, storeSize = Size.gibibytes(60) } = props;
    if (props.platform !== undefined) {
      Platform.attach(this, props.platform);
    }
    const store = props.store ?? new ModelStore(this, 'store', { size: storeSize, storageClassName });
    const weights = this.patched(store, props.weightSource);
    const tool = Runtime.cambriconPyTorch({ image });
    const transformers = new MigrateSources(this, 'transformers-mlu', { runtime: tool, from: this.transformers(store) });
    this.chatGlmTree = new MigrateSources(this, 'chatglm-6b-mlu', { runtime: tool, from: this.repository(store) }).artifact;
    const runtime = Runtime.cambriconPyTorch({ image, transformersTree: transformers.artifact });
    const model = { model: GlmModel.CHATGLM_6B, runtime, weights, accelerator, devicePlugin, deviceMemory };
    this.server = new InferenceDeployment(this, 'serve', { ...model, replicas: props.replicas });
    if (props.web !== false) {
      new WebInterface(this, 'web', { server: this.server, image });
    }
    if (props.cli === true) {
      new ChatSession(this, 'cli', model);
    }
    if (props.benchmark !== false) {
      new Benchmark(this, 'benchmark', model);
    }
  }

  private patched(store: IArtifactStore, source: WeightSource): Artifact {
    const weights = new DownloadWeights(this, 'weights', { store, source, model: GlmModel.CHATGLM_6B });
    return new PatchModel(this, 'patch', { weights: weights.artifact, patches: ModelPatch.forTorch19() }).artifact;
  }

  private transformers(store: IArtifactStore): Artifact {
    const source = WeightSource.archive({ url: TRANSFORMERS, stripComponents: 1, trustOnFirstUse: true });
    return new DownloadFiles(this, 'transformers', { store, source, format: ArtifactFormat.SOURCE_TREE, require: ['src/transformers/__init__.py'] }).artifact;
  }

  private repository(store: IArtifactStore): Artifact {
    const source = WeightSource.gitHubCommit('THUDM/ChatGLM-6B', CHATGLM_6B_COMMIT);
    return new DownloadFiles(this, 'chatglm-6b', { store, source, format: ArtifactFormat.SOURCE_TREE, require: ['api.py', 'web_demo.py'] }).artifact;
  }
}
