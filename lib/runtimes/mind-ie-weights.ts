import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { holdsBin } from '../artifacts/held-model';
import { SecurityLevel } from '../pods/security-level';
import { scriptStep } from './script-step';
import type { ConvertRequest } from './step-requests';
import type { StepTask } from './task';

/** MindIE reads no other weights (Ascend/MindIE-LLM@8b4871ad examples/atb_models/atb_llm/utils/hub.py). */
export function checkSafetensors(weights: Artifact, runtime: string): void {
  if (holdsBin(weights)) {
    throw new Error(`'weights' (${weights.directory}) are .bin files, and runtime '${runtime}' reads only safetensors; convert them by ConvertCheckpoint with this runtime`);
  }
}

/** Weights of `torch.save` as safetensors, on the processor; what the guides do by `convert_weights.py` (examples/models/chatglm/v2_6b/README.md there). */
export function safetensorsStep(request: ConvertRequest, runtime: string, image: string): StepTask {
  const { model, from, to } = request;
  checkRequest(request, runtime);
  const output = request.output(to, { runtime, step: 'convert', from: from.lineage, weights: 'safetensors' }, model.weightsBytes);
  return scriptStep({
    name: 'convert', runtime, image, output, inputs: [from], script: 'convert_checkpoint', require: ['config.json', '*.safetensors'],
    words: ['--from', from.format.name, '--to', 'safetensors', '--family', model.family, '--source', from.path, '--output', output.path],
    cpus: 2, gibibytes: Math.ceil(model.weightsBytes / 2 ** 30), security: SecurityLevel.RESTRICTED,
  });
}

function checkRequest({ from, to, base, checkpointFile, loraAlpha }: ConvertRequest, runtime: string): void {
  const { HUGGING_FACE } = ArtifactFormat;
  if (from.format.name !== HUGGING_FACE.name || to.name !== HUGGING_FACE.name) {
    throw new Error(`runtime '${runtime}' converts .bin files of huggingface to safetensors of huggingface, got ${from.format.name} (${from.directory}) to ${to.name}`);
  }
  const unused = Object.entries({ base, checkpointFile, loraAlpha }).find(([, value]) => value !== undefined);
  if (unused !== undefined) {
    throw new Error(`'${unused[0]}' does not go with runtime '${runtime}', which only makes safetensors of the files of 'from'; leave it out`);
  }
}
