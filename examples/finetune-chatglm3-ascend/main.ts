import { Chart, Size } from 'cdk8s';
import {
  Accelerator, ArtifactFormat, DevicePlugin, DownloadFiles, DownloadWeights, EnvPresets, FinetuneJob, GlmApp, GlmModel, MindFormersVersion,
  ModelStore, NodeType, Platform, Runtime, Scheduler, WeightSource,
} from 'cdk8s-chatglm';

const app = new GlmApp();
const chart = new Chart(app, 'finetune-chatglm3-ascend', { namespace: 'llm' });
Platform.attach(chart, {
  nodeTypes: [NodeType.ATLAS_800T_A2],
  devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })],
  scheduler: Scheduler.volcano({ queue: 'llm' }),
});

const store = new ModelStore(chart, 'store', { size: Size.gibibytes(400), storageClassName: 'nfs' });
const model = GlmModel.CHATGLM3_6B;
const version = MindFormersVersion.COMMIT_3354237;
const ready = 'https://ascend-repo-modelzoo.obs.cn-east-2.myhuaweicloud.com/XFormer_for_mindspore/glm3';

// No checksum of these files is published, so what the first download sees is recorded and later ones must agree.
const checkpoint = new DownloadWeights(chart, 'checkpoint', {
  store, model,
  format: ArtifactFormat.MINDSPORE,
  source: WeightSource.http({ files: [{ url: `${ready}/glm3_6b.ckpt` }, { url: `${ready}/tokenizer.model` }], trustOnFirstUse: true }),
});
const dataset = new DownloadFiles(chart, 'adgen', {
  store,
  format: ArtifactFormat.DATASET,
  source: WeightSource.archive({ url: 'https://cloud.tsinghua.edu.cn/f/b3f119a008264b1cabd1/?dl=1', stripComponents: 1, trustOnFirstUse: true }),
  require: ['train.json', 'dev.json'],
});
const sourceTree = new DownloadFiles(chart, 'mindformers', {
  store,
  format: ArtifactFormat.SOURCE_TREE,
  source: WeightSource.gitHubCommit('mindspore-lab/mindformers', version.commit),
  require: ['run_mindformer.py'],
});

new FinetuneJob(chart, 'finetune', {
  model,
  runtime: Runtime.mindFormers({ version, sourceTree: sourceTree.artifact }),
  checkpoint: checkpoint.artifact,
  dataset: dataset.artifact,
  accelerator: Accelerator.ASCEND_910B3,
  devicesPerNode: 8,
  presets: [EnvPresets.HCCL, EnvPresets.MINDSPORE_TRAINING],
});

app.synth();
