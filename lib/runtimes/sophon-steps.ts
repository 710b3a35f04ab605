import { Dtype } from '../accelerators/dtype';
import { Architecture } from '../accelerators/node-type';
import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { weightsBytes } from '../models/memory-estimate';
import { SecurityLevel } from '../pods/security-level';
import type { Steps } from './runtime-dialect';
import { scriptStep } from './script-step';
import type { SophonOptions } from './sophon-options';
import type { BuildRequest, CompileRequest, Definition, ExportRequest } from './step-requests';
import type { StepTask } from './task';

/** What is the same in all steps of this runtime. */
export const NAME = 'sophon';

/** Where LLM-TPU@edb7f13e keeps the tools of ChatGLM3. */
const COMPILE_FOLDER = 'models/ChatGLM3/compile';

/** compile.sh's words for the precisions. */
const MODES: Readonly<Partial<Record<Dtype, string>>> = { [Dtype.FLOAT16]: 'f16', [Dtype.INT8]: 'int8', [Dtype.INT4]: 'int4' };

/** Chips that a bmodel is compiled for (LLM-TPU@edb7f13e models/ChatGLM3 README: 1, 2, 4 and 8). */
export const DEVICES: readonly number[] = [1, 2, 4, 8];

/** Room that the ONNX files and the intermediate files of a compilation take (sophgo/sophon-demo@c7c94bb0 sample/ChatGLM3/docs). */
const ONNX_BYTES = 100e9;
const COMPILE_BYTES = 200e9;
/** Memory of a compilation by the same source. */
const COMPILE_GIBIBYTES = 32;

/** Where libsophon's packages link to what they install (sophgo/libsophon doc/guide/1_install.rst). */
const LIBSOPHON = '/opt/sophon/libsophon-current';

/** Programs of LLM-TPU that build at the pinned commit; its web demo does not (its CMake file points at folders that are not there). */
const PROGRAMS = ['demo', 'python-demo'];

/** TPU-MLIR and the exporter's image are for x86 only, and nothing there opens a device (sophgo/sophon-demo@c7c94bb0). */
const COMPILING = { runtime: NAME, architecture: Architecture.AMD64, cpus: 8, security: SecurityLevel.NON_ROOT };

/** What this library exported and compiled, for how many tokens, chips and in which precision. */
const EXPORTED = new WeakMap<Artifact, number>();
const COMPILED = new WeakMap<Artifact, Compiled>();

interface Compiled {
  readonly contextLength: number | undefined;
  readonly devices: number;
  readonly dtype: Dtype;
}

/** Throws if a bmodel was compiled for something else; of one that was made elsewhere nothing is known. */
export function checkCompiled({ weights, contextLength, devices, dtype }: Compiled & { readonly weights?: Artifact | undefined }): void {
  const compiled = weights && COMPILED.get(weights);
  if (weights === undefined || compiled === undefined) {
    return;
  }
  const { contextLength: longest = Infinity } = compiled;
  if (contextLength !== undefined && contextLength > longest) {
    throw new Error(`'contextLength' is ${String(contextLength)}, but the bmodel ${weights.directory} was compiled for ${String(longest)}; say that length, or export for more`);
  }
  if (devices !== compiled.devices || dtype !== compiled.dtype) {
    throw new Error(`'devices' and 'dtype' are ${String(devices)} and ${dtype}, but the bmodel ${weights.directory} was compiled for ${String(compiled.devices)} and ${compiled.dtype}`);
  }
}

/** The steps from weights to a bmodel, and the programs that run it. */
export function sophonSteps(options: SophonOptions): Steps {
  return {
    export: (request) => exportTask(request, options),
    compile: (request) => compileTask(request, options),
    build: (request) => buildTask(request, options),
  };
}

function exportTask({ model, weights, seqLength, output }: ExportRequest, options: SophonOptions): StepTask {
  const tree = required(options.sourceTree, 'sourceTree', 'export');
  const artifact = output(ArtifactFormat.ONNX, { ...origin('export', tree), seqLength, weights: weights.lineage }, ONNX_BYTES);
  EXPORTED.set(artifact, seqLength);
  const gibibytes = Math.ceil(1.5 * weightsBytes(model, Dtype.FLOAT32) / 2 ** 30);
  return scriptStep({
    ...COMPILING, name: 'export', image: compilerImage('export', options), output: artifact, inputs: [tree, weights], gibibytes, script: 'export_onnx', require: ['*.onnx'],
    words: ['--script', `${tree.path}/${COMPILE_FOLDER}/export_onnx.py`, '--weights', weights.path, '--seq-length', String(seqLength), '--output', artifact.path],
  });
}

function compileTask({ model, from, weights, dtype, devices, output }: CompileRequest, options: SophonOptions): StepTask {
  const tree = required(options.sourceTree, 'sourceTree', 'compile');
  const mode = MODES[dtype];
  if (mode === undefined) {
    throw new Error(`'dtype' must be one of ${Object.keys(MODES).join(', ')} for a bmodel, got ${dtype}`);
  }
  if (!DEVICES.includes(devices)) {
    throw new Error(`'devices' must be one of ${DEVICES.join(', ')} for a bmodel, got ${String(devices)}`);
  }
  const artifact = output(ArtifactFormat.BMODEL, { ...origin('compile', tree), mode, devices, onnx: from.lineage, tokenizer: weights.lineage }, COMPILE_BYTES);
  COMPILED.set(artifact, { contextLength: EXPORTED.get(from), devices, dtype });
  return scriptStep({
    ...COMPILING, name: 'compile', image: compilerImage('compile', options), output: artifact, inputs: [tree, from, weights], gibibytes: COMPILE_GIBIBYTES,
    script: 'compile_bmodel', require: ['*.bmodel', 'tokenizer.model'],
    words: [
      '--script', `${tree.path}/${COMPILE_FOLDER}/compile.sh`, '--onnx', from.path, '--tokenizer', weights.path, '--name', model.name,
      '--mode', mode, '--devices', String(devices), '--output', artifact.path,
    ],
  });
}

function buildTask({ program, architecture, output }: BuildRequest, options: SophonOptions): StepTask {
  const tree = required(options.sourceTree, 'sourceTree', 'build');
  if (!PROGRAMS.includes(program)) {
    throw new Error(`'program' must be one of ${PROGRAMS.join(', ')} for runtime '${NAME}', got '${program}'; the web demo does not build at this commit, and WebInterface replaces it`);
  }
  const sentencepiece = program === 'demo' ? required(options.sentencepieceTree, 'sentencepieceTree', 'build of \'demo\'') : undefined;
  const artifact = output(ArtifactFormat.PROGRAM, {
    ...origin('build', tree), program, image: options.image, ...(architecture && { architecture }), ...(sentencepiece && { sentencepiece: sentencepiece.lineage }),
  });
  return scriptStep({
    runtime: NAME, name: 'build', architecture, image: options.image, output: artifact, inputs: [tree, ...(sentencepiece ? [sentencepiece] : [])], cpus: 4, gibibytes: 4,
    script: 'build_program', require: [program === 'demo' ? 'chatglm' : 'chat*.so'], security: SecurityLevel.NON_ROOT,
    words: ['--program', program, '--tree', tree.path, '--runtime', LIBSOPHON, ...(sentencepiece ? ['--sentencepiece', sentencepiece.path] : []), '--output', artifact.path],
  });
}

function origin(step: string, tree: Artifact): Definition {
  return { runtime: NAME, step, tree: tree.lineage };
}

function compilerImage(step: string, { compilerImage: image }: SophonOptions): string {
  if (image === undefined) {
    throw new Error(`'compilerImage' of Runtime.sophon is needed to ${step}: an image with TPU-MLIR, torch and transformers, such as container/images/tpu-mlir/Dockerfile builds`);
  }
  return image;
}

function required(artifact: Artifact | undefined, option: string, step: string): Artifact {
  if (artifact === undefined) {
    throw new Error(`'${option}' of Runtime.sophon is needed for the ${step}; DownloadFiles with ArtifactFormat.SOURCE_TREE makes it`);
  }
  artifact._require([ArtifactFormat.SOURCE_TREE], option, 'DownloadFiles with ArtifactFormat.SOURCE_TREE makes one');
  return artifact;
}
