import { ArtifactFormat, Dtype, GlmModel, RankTable, ServingBackend } from 'cdk8s-chatglm';

import { Artifact } from '../../lib/artifacts/artifact';
import type { FinetuneRequest, ServeRequest } from '../../lib/runtimes/runtime-dialect';
import type { EvaluateRequest } from '../../lib/runtimes/step-requests';
import { artifact, CHIP, STORE } from './synthesized';

/** A server of ChatGLM3-6B without weights and devices, unless told otherwise. */
export function serveRequest(request: Partial<ServeRequest> = {}): ServeRequest {
  return { model: GlmModel.CHATGLM3_6B, devices: 0, dtype: Dtype.FLOAT16, contextLength: 2048, backend: ServingBackend.ECHO, port: 8000, ...request };
}

/** The fine-tune of the ChatGLM3 guide on one server of eight 910B3, unless told otherwise. */
export function finetuneRequest(request: Partial<FinetuneRequest> = {}): FinetuneRequest {
  return {
    model: GlmModel.CHATGLM3_6B,
    checkpoint: artifact(ArtifactFormat.MINDSPORE, 'checkpoint'),
    dataset: artifact(ArtifactFormat.DATASET, 'adgen'),
    output: (format, definition) => Artifact._produced('tuned', STORE, format, definition),
    accelerator: CHIP, devicesPerNode: 8, nodes: 1, podIndex: '0', lora: false, onlyStrategy: false, debugLogs: false, rankTable: RankTable.GENERATED, schedulerRole: false, settings: {},
    ...request,
  };
}

/** What an evaluation on one device is asked with, its result named. */
export function outputOf(name: string): Pick<EvaluateRequest, 'output' | 'devices' | 'dtype' | 'contextLength' | 'minimumScores' | 'settings'> {
  return { output: (format, definition) => Artifact._produced(name, STORE, format, definition), devices: 1, dtype: Dtype.FLOAT16, contextLength: 2048, minimumScores: {}, settings: {} };
}
