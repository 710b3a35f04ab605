import { Chart, Size } from 'cdk8s';
import type { Construct } from 'constructs';

import { DownloadFiles } from '../constructs/download-files';
import { Evaluate } from '../constructs/evaluate';
import { FinetuneJob } from '../constructs/finetune-job';
import { InferenceDeployment } from '../constructs/inference-deployment';
import { MergeCheckpoint } from '../constructs/merge-checkpoint';
import { ModelStore } from '../constructs/model-store';
import { Predict, type PromptConversation } from '../constructs/predict';
import { PrepareDataset } from '../constructs/prepare-dataset';
import { trainingOptions } from '../constructs/training-options';
import { Accelerator } from '../lib/accelerators/accelerator';
import type { Artifact } from '../lib/artifacts/artifact';
import { ArtifactFormat } from '../lib/artifacts/artifact-format';
import type { IArtifactStore } from '../lib/artifacts/artifact-store';
import { DatasetKind } from '../lib/artifacts/dataset-kind';
import { EnvPresets } from '../lib/env/env-presets';
import { GlmModel } from '../lib/models/glm-model';
import { Platform } from '../lib/platform';
import { MindFormersVersion } from '../lib/runtimes/mind-formers/version';
import { Runtime } from '../lib/runtimes/runtime';
import type { MindFormersChartProps } from './mindformers-chart-props';
import { adgen, baseCheckpoint, readyFiles, sourceTree, tunedForOthers } from './mindformers-sources';

/** ChatGLM3-6B, from nothing to a served fine-tune. */
export interface MindFormersGlm3ChartProps extends MindFormersChartProps {
  /**
   * The state of MindFormers.
   *
   * @default MindFormersVersion.COMMIT_3354237
   */
  readonly version?: MindFormersVersion;

  /**
   * The fine-tune's configuration: `adgen`, `2k` or `multi-turn`.
   *
   * @default 'adgen'
   */
  readonly configuration?: string;
}

const MODEL = GlmModel.CHATGLM3_6B;
const MULTI_TURN = 'multi-turn';

/** The questions of the guide. */
const PROMPTS = ['你好', '请介绍一下华为', '晚上睡不着应该怎么办', '写一个快排算法'];

/** The guide's conversation with a role. */
const CONVERSATION: PromptConversation = {
  messages: [
    { role: 'system', content: '假设你现在是一个导游，请尽可能贴近这个角色回答问题。' },
    { role: 'user', content: '我打算1月份去海南玩，可以介绍一下海南有哪些好玩的，好吃的么？' },
    { role: 'user', content: '哪里适合冲浪和潜水呢？' },
    { role: 'user', content: '可以帮我做一份旅游攻略吗？' },
  ],
};

/**
 * The ChatGLM3-6B guide of MindFormers as Kubernetes objects: checkpoint, data, fine-tune on one node or many, merge, evaluation by ADGEN, predictions and a
 * server. A multi-turn fine-tune trains on ToolAlpaca and is evaluated by ADGEN, too.
 */
export class MindFormersGlm3Chart extends Chart {
  /** The checkpoint that the fine-tune starts from. */
  public readonly checkpoint: Artifact;
  /** The checkpoints of all ranks. */
  public readonly tuned: Artifact;
  /** The tuned checkpoint. */
  public readonly merged: Artifact;
  /** Its scores. */
  public readonly evaluation: Artifact;
  /** Its answers to the prompts. */
  public readonly answers: Artifact;
  /** The tuned model in Hugging Face's format, where it was asked for. */
  public readonly huggingFace?: Artifact;
  private readonly runtime: Runtime;

  constructor(scope: Construct, id: string, props: MindFormersGlm3ChartProps = {}) {
    super(scope, id, props);
    if (props.platform) {
      Platform.attach(this, props.platform);
    }
    const { version = MindFormersVersion.COMMIT_3354237, accelerator = Accelerator.ASCEND_910B3, storeSize = Size.gibibytes(500), storageClassName } = props;
    const store = props.store ?? new ModelStore(this, 'store', { size: storeSize, storageClassName });
    this.runtime = Runtime.mindFormers({ ...props, version, sourceTree: sourceTree(this, store, version) });
    const model = { model: MODEL, runtime: this.runtime };
    const ready = readyFiles('glm3/glm3_6b.ckpt', 'glm3/tokenizer.model');
    const { checkpoint, official } = baseCheckpoint(this, { ...model, store, ready, weightSource: props.weightSource });
    this.checkpoint = checkpoint;
    const evaluated = this.adgen(store, props);
    this.tuned = this.finetune(props, accelerator, props.configuration === MULTI_TURN ? this.conversations(store, props) : evaluated);
    this.merged = new MergeCheckpoint(this, 'merge', { ...model, from: this.tuned, base: this.checkpoint }).artifact;
    const { minimumScores } = props;
    const loaded = { ...model, accelerator, weights: this.merged };
    this.evaluation = new Evaluate(this, 'evaluate', { ...loaded, dataset: evaluated, minimumScores }).artifact;
    this.answers = new Predict(this, 'predict', { ...loaded, prompts: props.prompts ?? PROMPTS, conversations: props.prompts ? [] : [CONVERSATION] }).artifact;
    this.huggingFace = tunedForOthers(this, { ...model, wanted: props.huggingFace, from: this.merged, base: official });
    new InferenceDeployment(this, 'serve', { ...model, accelerator, weights: this.merged, replicas: props.replicas });
  }

  private adgen(store: IArtifactStore, { configuration, datasetSource }: MindFormersGlm3ChartProps): Artifact {
    const source = configuration === MULTI_TURN ? adgen() : datasetSource ?? adgen();
    const files = new DownloadFiles(this, 'adgen', { store, source, format: ArtifactFormat.DATASET, require: ['train.json', 'dev.json'] });
    return this.prepared('dataset', files.artifact, DatasetKind.ADGEN);
  }

  private conversations(store: IArtifactStore, { datasetSource = readyFiles('glm3/tool_alpaca.jsonl') }: MindFormersGlm3ChartProps): Artifact {
    const files = new DownloadFiles(this, 'tool-alpaca', { store, source: datasetSource, format: ArtifactFormat.DATASET });
    return this.prepared('conversations', files.artifact, DatasetKind.TOOL_ALPACA, 'tool_alpaca.jsonl');
  }

  private prepared(id: string, from: Artifact, kind: DatasetKind, trainFile?: string): Artifact {
    return new PrepareDataset(this, id, { model: MODEL, runtime: this.runtime, from, kind, trainFile, tokenizer: this.checkpoint }).artifact;
  }

  private finetune(props: MindFormersGlm3ChartProps, accelerator: Accelerator, dataset: Artifact): Artifact {
    const { configuration, nodes, devicesPerNode = 8, workload, rankTable, presets = [EnvPresets.HCCL, EnvPresets.MINDSPORE_TRAINING] } = props;
    return new FinetuneJob(this, 'finetune', {
      ...trainingOptions(props), model: MODEL, runtime: this.runtime, checkpoint: this.checkpoint, dataset, accelerator, configuration, nodes, devicesPerNode, workload, rankTable, presets,
    }).artifact;
  }
}
