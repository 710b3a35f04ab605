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
import { EnvPresets } from '../lib/env/env-presets';
import { GlmModel } from '../lib/models/glm-model';
import { Platform } from '../lib/platform';
import { MindFormersProgram } from '../lib/runtimes/mind-formers/program';
import { MindFormersVersion } from '../lib/runtimes/mind-formers/version';
import { Runtime } from '../lib/runtimes/runtime';
import type { MindFormersChartProps } from './mindformers-chart-props';
import { adgen, baseCheckpoint, readyFiles, sourceTree, tunedForOthers } from './mindformers-sources';

/** ChatGLM-6B, from nothing to a served fine-tune. */
export interface MindFormersGlmChartProps extends MindFormersChartProps {
  /**
   * What trains and evaluates: `run_mindformer.py`, or the guide's other route over MindFormers' `Trainer`.
   *
   * @default MindFormersProgram.RUN_MINDFORMER
   */
  readonly program?: MindFormersProgram;

  /**
   * The MindSpore in the image: `2.0.0rc1`, or `1.10.1`. Before 2.0 a `mergeImage` is needed, and adapters are merged by strategy files of a run of their own.
   *
   * @default '2.0.0rc1'
   */
  readonly mindSpore?: string;
}

const MODEL = GlmModel.CHATGLM_6B;
const VERSION = MindFormersVersion.COMMIT_C8A5808;

/** The guide's questions: a conversation, as its `chat_glm.py` has it. */
const CONVERSATION: PromptConversation = { messages: [{ role: 'user', content: '你好' }, { role: 'user', content: '请介绍一下华为' }] };

/** What the guide's `task.py` sets by itself. */
const TRAINER = { batchSize: 4, learningRate: 5e-5, settings: { 'lr_schedule.warmup_steps': '100' } };

/**
 * The ChatGLM-6B guide of MindFormers as Kubernetes objects: checkpoint, MindRecord files of ADGEN, fine-tune of all parameters on 8 devices or of
 * adapters on 4, merge, evaluation, predictions and a server.
 */
export class MindFormersGlmChart extends Chart {
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

  constructor(scope: Construct, id: string, props: MindFormersGlmChartProps) {
    super(scope, id, props);
    if (props.platform) {
      Platform.attach(this, props.platform);
    }
    const { accelerator = Accelerator.ASCEND_910A, storeSize = Size.gibibytes(500), storageClassName, lora = false } = props;
    const store = props.store ?? new ModelStore(this, 'store', { size: storeSize, storageClassName });
    this.runtime = Runtime.mindFormers({ ...props, version: VERSION, sourceTree: sourceTree(this, store, VERSION) });
    const model = { model: MODEL, runtime: this.runtime };
    const ready = readyFiles('glm/glm_6b.ckpt', 'glm/ice_text.model');
    const { checkpoint, official } = baseCheckpoint(this, { ...model, store, ready, weightSource: props.weightSource });
    this.checkpoint = checkpoint;
    const dataset = this.records(store, props);
    this.tuned = this.finetune('finetune', props, accelerator, dataset, false);
    const isOld = Number(props.mindSpore?.split('.')[0] ?? 2) < 2;
    const strategy = lora && isOld ? this.finetune('strategy', props, accelerator, dataset, true) : undefined;
    this.merged = new MergeCheckpoint(this, 'merge', { ...model, from: this.tuned, base: this.checkpoint, strategy }).artifact;
    const loaded = { ...model, accelerator, weights: this.merged };
    this.evaluation = new Evaluate(this, 'evaluate', { ...loaded, dataset, minimumScores: props.minimumScores }).artifact;
    this.answers = new Predict(this, 'predict', { ...loaded, prompts: props.prompts, conversations: props.prompts ? [] : [CONVERSATION] }).artifact;
    this.huggingFace = tunedForOthers(this, { ...model, wanted: props.huggingFace, from: this.merged, base: official });
    new InferenceDeployment(this, 'serve', { ...model, accelerator, weights: this.merged, replicas: props.replicas });
  }

  private records(store: IArtifactStore, { datasetSource = adgen(), maxSourceLength = 64, maxTargetLength = 64 }: MindFormersGlmChartProps): Artifact {
    const files = new DownloadFiles(this, 'adgen', { store, source: datasetSource, format: ArtifactFormat.DATASET, require: ['train.json', 'dev.json'] });
    return new PrepareDataset(this, 'dataset', {
      model: MODEL, runtime: this.runtime, from: files.artifact, tokenizer: this.checkpoint, mindRecord: true, trainLengths: [maxSourceLength, maxTargetLength],
    }).artifact;
  }

  private finetune(id: string, props: MindFormersGlmChartProps, accelerator: Accelerator, dataset: Artifact, onlyStrategy: boolean): Artifact {
    const { nodes, lora = false, workload, rankTable, devicesPerNode = lora ? 4 : 8 } = props;
    const own = props.program === MindFormersProgram.TRAINER ? TRAINER : undefined;
    const { batchSize = own?.batchSize, learningRate = own?.learningRate, presets = [EnvPresets.HCCL] } = props;
    return new FinetuneJob(this, id, {
      ...trainingOptions(props), model: MODEL, runtime: this.runtime, checkpoint: this.checkpoint, dataset, accelerator, nodes, devicesPerNode, lora, onlyStrategy, batchSize, learningRate,
      settings: { ...own?.settings, ...props.settings }, workload, rankTable, presets,
    }).artifact;
  }
}
