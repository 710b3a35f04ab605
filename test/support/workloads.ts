import {
  ArtifactFormat, FinetuneJob, type FinetuneJobProps, GlmModel, InferenceDeployment, type InferenceDeploymentProps, MindFormersVersion, type PlatformProps, Runtime,
} from 'cdk8s-chatglm';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { artifact, chartWith, CHIP, synthesized } from './synthesized';

/** The least that a server needs: no accelerator, no weights. */
export const SERVER: InferenceDeploymentProps = { model: GlmModel.CHATGLM3_6B, runtime: Runtime.echo() };

/** MindFormers of the ChatGLM3 guide. */
export const MIND_FORMERS = Runtime.mindFormers({ version: MindFormersVersion.COMMIT_3354237, sourceTree: artifact(ArtifactFormat.SOURCE_TREE) });

/** The least that a fine-tune needs. */
export const FINETUNE: FinetuneJobProps = {
  model: GlmModel.CHATGLM3_6B,
  runtime: MIND_FORMERS,
  checkpoint: artifact(ArtifactFormat.MINDSPORE),
  dataset: artifact(ArtifactFormat.DATASET),
  accelerator: CHIP,
  devicesPerNode: 8,
};

/** Objects of a chart with one server `chat`. */
export function serve(props: Partial<InferenceDeploymentProps> = {}, platform?: PlatformProps): KubernetesObject[] {
  const chart = chartWith(platform);
  new InferenceDeployment(chart, 'chat', { ...SERVER, ...props });
  return synthesized(chart);
}

/** Objects of a chart with one fine-tune `finetune`. */
export function finetune(props: Partial<FinetuneJobProps> = {}, platform?: PlatformProps): KubernetesObject[] {
  const chart = chartWith(platform);
  new FinetuneJob(chart, 'finetune', { ...FINETUNE, ...props });
  return synthesized(chart);
}
