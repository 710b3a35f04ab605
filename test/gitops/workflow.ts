import { type App, Chart, Duration, Size } from 'cdk8s';
import {
  ArtifactFormat, type Delivery, DevicePlugin, DownloadFiles, DownloadWeights, FinetuneJob, GlmModel, InferenceDeployment, MergeCheckpoint, MindFormersVersion, ModelStore, NodeType, Platform,
  Runtime, Scheduler, WeightSource, WorkloadKind,
} from 'cdk8s-chatglm';

import { CHIP } from '../support/synthesized';

const model = GlmModel.CHATGLM3_6B;
const file = (name: string): WeightSource => WeightSource.http({ files: [{ url: `https://files.corp.example/${name}` }], trustOnFirstUse: true });

/** The platform of a cluster with everything that the workflow needs. */
export function attachPlatform(scope: App | Chart, delivery: Delivery): void {
  Platform.attach(scope, { nodeTypes: [NodeType.ATLAS_800T_A2], devicePlugins: [DevicePlugin.mindCluster({ version: '26.0' })], scheduler: Scheduler.volcano(), delivery });
}

/** From nothing to serving: two downloads, a fine-tune of days as a Volcano Job, the merge, a server of the result, and one of the weights as they came. */
export function workflow(app: App, id: string, delivery: Delivery): { readonly chart: Chart; readonly checkpoint: DownloadWeights } {
  const chart = new Chart(app, id, { namespace: 'llm' });
  attachPlatform(chart, delivery);
  const store = new ModelStore(chart, 'store', { size: Size.gibibytes(400), storageClassName: 'nfs' });
  const checkpoint = new DownloadWeights(chart, 'checkpoint', { store, model, format: ArtifactFormat.MINDSPORE, source: file('glm3_6b.ckpt') });
  const dataset = new DownloadFiles(chart, 'adgen', { store, format: ArtifactFormat.DATASET, source: file('train.json') }).artifact;
  const sourceTree = new DownloadFiles(chart, 'mindformers', { store, format: ArtifactFormat.SOURCE_TREE, source: file('mindformers.tar.gz') }).artifact;
  const runtime = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree });
  const tuned = new FinetuneJob(chart, 'finetune', {
    model, runtime, checkpoint: checkpoint.artifact, dataset, accelerator: CHIP, devicesPerNode: 8, workload: WorkloadKind.VOLCANO_JOB,
  });
  const merged = new MergeCheckpoint(chart, 'merge', { model, runtime, from: tuned.artifact, base: checkpoint.artifact, deadline: Duration.hours(2) });
  const plain = new ModelStore(chart, 'plain', { size: Size.gibibytes(50) });
  const weights = new DownloadWeights(chart, 'weights', { store: plain, model, source: file('model.safetensors') }).artifact;
  new InferenceDeployment(chart, 'tuned', { model, runtime, weights: merged.artifact, accelerator: CHIP });
  new InferenceDeployment(chart, 'chat', { model, runtime: Runtime.echo(), weights });
  return { chart, checkpoint };
}
