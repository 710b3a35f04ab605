import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { SecurityLevel } from '../pods/security-level';
import { atbCheck, atbEnv, type AtbStack, lineages, SCRIPT_PACKAGES, sourceTreeOf } from './atb-stack';
import { ATB_MODELS, type AtbWeights, checkSparse, checkWorldSize, madeFor, madeFrom } from './atb-weights';
import type { Steps } from './runtime-dialect';
import { type ScriptStep, scriptStep } from './script-step';
import { vendorEnv } from './serving';
import type { CompressRequest, QuantizeRequest, ShardRequest } from './step-requests';
import { sharedMemory, type StepTask } from './task';

/** The steps of the guide that make weights (ModelLink@839b2483 examples/chatglm2/6b), each by a script of `container/atb` around the vendor's. */
export function atbWeightSteps(stack: AtbStack): Pick<Steps, 'quantize' | 'shard' | 'compress'> {
  return {
    quantize: (request) => quantize(stack, request),
    shard: (request) => shard(stack, request),
    compress: (request) => compress(stack, request),
  };
}

/** ModelSlim calibrates with the model in 32 bits, of 25 GB, and keeps what it counts beside it. */
function quantize(stack: AtbStack, request: QuantizeRequest): StepTask {
  const { weights, calibration, calibrationFile, sparse, accelerator } = request;
  if (sparse) {
    checkSparse(2, accelerator);
  }
  weights._require([ArtifactFormat.HUGGING_FACE], 'weights', 'published weights are quantized');
  calibration._require([ArtifactFormat.DATASET], 'calibration', 'DownloadFiles with ArtifactFormat.DATASET makes one');
  const tree = sourceTreeOf(stack);
  const output = request.output(sparse ? ArtifactFormat.ATB_SPARSE_QUANTIZED : ArtifactFormat.ATB_QUANTIZED, {
    runtime: ATB_MODELS, calibrationFile, sparse, inputs: lineages(tree, weights, calibration),
  });
  return modelSlimStep(stack, {
    name: 'quantize', script: 'quantize_weights', output, require: ['*.npy'], inputs: [tree, weights, calibration], cpus: 16, gibibytes: 64,
    words: [
      '--tree', tree.path, '--source', weights.path, '--dataset', calibration.path, '--calibration', calibrationFile,
      '--precision', sparse ? 'sparse' : 'w8a8', '--output', output.path,
    ],
  });
}

/** The script makes tensors on a device in every mode (manager.py, BaseManager), so it gets one even for weights in 16 bits. */
function shard(stack: AtbStack, request: ShardRequest): StepTask {
  const { model, weights, quantized, tensorParallel, accelerator } = request;
  weights._require([ArtifactFormat.HUGGING_FACE], 'weights', 'published weights are cut');
  const { format, precision } = shardFormat(quantized);
  checkShard(request, precision);
  const tree = sourceTreeOf(stack);
  const inputs = [tree, weights, ...(quantized ? [quantized] : [])];
  const output = madeFor(request.output(format, { runtime: ATB_MODELS, tensorParallel, precision, inputs: lineages(...inputs) }, model.weightsBytes), tensorParallel);
  return scriptStep({
    name: 'shard', runtime: ATB_MODELS, image: stack.image, inputs, output, require: ['config.json'], security: SecurityLevel.VENDOR_DEFAULT, devices: 1,
    before: [...vendorEnv(stack.setEnvScripts), ...atbCheck(1, SCRIPT_PACKAGES)], script: 'shard_weights', scripts: ['with_vendor_env', 'check_start'], cpus: 8, gibibytes: 48,
    words: [
      '--tree', tree.path, '--source', weights.path, ...(quantized ? ['--quantized', quantized.path] : []), '--tp-size', String(tensorParallel),
      '--precision', precision, '--output', output.path,
    ],
    fragment: { env: atbEnv(accelerator), ...sharedMemory(1024) },
  });
}

function shardFormat(quantized?: Artifact): { format: ArtifactFormat; precision: AtbWeights['precision'] } {
  if (quantized === undefined) {
    return { format: ArtifactFormat.ATB_SHARDED, precision: 'float' };
  }
  quantized._require([ArtifactFormat.ATB_QUANTIZED, ArtifactFormat.ATB_SPARSE_QUANTIZED], 'quantized', 'QuantizeWeights makes them');
  return quantized.format.name === ArtifactFormat.ATB_QUANTIZED.name
    ? { format: ArtifactFormat.ATB_QUANTIZED_SHARDED, precision: 'w8a8' } : { format: ArtifactFormat.ATB_SPARSE_SHARDED, precision: 'sparse' };
}

function checkShard({ tensorParallel, accelerator }: ShardRequest, precision: AtbWeights['precision']): void {
  checkWorldSize('tensorParallel', tensorParallel, accelerator);
  if (precision === 'sparse') {
    checkSparse(tensorParallel, accelerator);
  }
  if (precision === 'float' && tensorParallel === 1) {
    throw new Error('\'tensorParallel\' is 1: weights in 16 bits run on one device as they are; give them to InferenceDeployment, or give \'quantized\'');
  }
}

function compress(stack: AtbStack, request: CompressRequest): StepTask {
  const { from } = request;
  from._require([ArtifactFormat.ATB_SPARSE_SHARDED], 'from', 'ShardWeights makes them of sparse quantized weights');
  const tree = sourceTreeOf(stack);
  const output = madeFrom(request.output(ArtifactFormat.ATB_COMPRESSED, { runtime: ATB_MODELS, inputs: lineages(tree, from) }), from);
  return modelSlimStep(stack, {
    name: 'compress', script: 'compress_weights', output, require: ['compress*/info/*'], inputs: [tree, from], cpus: 8, gibibytes: 32,
    words: ['--tree', tree.path, '--source', from.path, ...(stack.buildGraph === undefined ? [] : ['--build-graph', stack.buildGraph]), '--output', output.path],
  });
}

/** ModelSlim wants a PyTorch of its own, and no device. */
function modelSlimStep({ modelSlimImage, modelSlimSetEnvScripts }: AtbStack, step: Omit<ScriptStep, 'runtime' | 'image' | 'security'>): StepTask {
  if (modelSlimImage === undefined) {
    throw new Error(`'modelSlimImage' is missing: '${step.name}' of runtime '${ATB_MODELS}' needs ModelSlim and plain PyTorch 2.0.0, which the serving image has not`);
  }
  return scriptStep({
    ...step, runtime: ATB_MODELS, image: modelSlimImage, security: SecurityLevel.VENDOR_DEFAULT, before: vendorEnv(modelSlimSetEnvScripts),
    scripts: modelSlimSetEnvScripts.length > 0 ? ['with_vendor_env'] : [],
  });
}
