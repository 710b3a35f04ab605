import * as path from 'node:path';

import { ArtifactFormat } from '../../artifacts/artifact-format';
import type { EnvEntry } from '../../pods/pod-fragment';
import { scriptPath } from '../../pods/scripts';
import { SecurityLevel } from '../../pods/security-level';
import { benchmarkStep, chatTask, type ModelProcess, predictStep } from '../model-steps';
import { RankTable } from '../rank-table';
import type { RuntimeDialect, ServeRequest } from '../runtime-dialect';
import { serveTask } from '../serving';
import type { ModelStepRequest } from '../step-requests';
import type { Task } from '../task';
import { ServingBackend } from '../serving-backend';
import { type Adapters, loadedAdapters, unusualValues } from './adapters';
import { ADAPTERS, type MindFormersModel } from './configuration';
import { evaluate } from './evaluate';
import { finetune } from './finetune';
import { contextOf, type MindFormersContext, type MindFormersOptions, NAME, startCommand, startScripts } from './options';
import { MindFormersLauncher } from './launcher';
import { modelOf } from './resolve';
import { convert, dataset, merge } from './steps';
import { memoryLimit } from './train';

/** MindFormers on MindSpore, for Ascend 910. */
export function mindFormers(options: MindFormersOptions): RuntimeDialect {
  const context = contextOf(options);
  return {
    name: NAME,
    needsAccelerator: true,
    models: context.version.models,
    backend: ServingBackend._of(NAME),
    weightsFormat: ArtifactFormat.MINDSPORE,
    ...(context.launcher === MindFormersLauncher.MSRUN && { rankTable: RankTable.NONE }),
    serve: (request) => placed(serveTask(modelProcess(request, context), request), context),
    finetune: (request) => finetune(request, context),
    chat: (request) => placed(chatTask(modelProcess(request, context), request), context),
    steps: {
      convert: (request) => convert(request, context),
      dataset: (request) => dataset(request, context),
      merge: (request) => merge(request, context),
      evaluate: (request) => evaluate(request, context),
      predict: (request) => placed(predictStep(modelProcess(request, context), defined(request, context)), context),
      benchmark: (request) => placed(benchmarkStep(modelProcess(request, context), defined(request, context)), context),
    },
  };
}

/** The public image runs on one architecture only. */
function placed<T extends Task>(task: T, { architecture }: MindFormersContext): T {
  return { ...task, architecture };
}

/** What is answered depends on the source tree and on the adapters as well. */
function defined<T extends ModelStepRequest>(request: T, context: MindFormersContext): T {
  const { weights, output } = request;
  const adapters = loadedAdapters(weights, context);
  const further = { sourceTree: context.sourceTree.lineage, ...(adapters && { adapters: { ...adapters } }) };
  return { ...request, output: (format, definition, bytes) => output(format, { ...definition, ...further }, bytes) } satisfies T;
}

/** As the ChatGLM3 guide sets them for inference (docs/model_cards/glm3.md of 3354237). */
const INFERENCE: readonly EnvEntry[] = [{ name: 'GRAPH_OP_RUN', value: '1' }, { name: 'MS_ENABLE_INTERNAL_KERNELS', value: 'on' }];

/** Where MindFormers may write what nobody keeps. */
const FOLDER = '/tmp/mindformers';

type Loaded = Pick<ServeRequest, 'model' | 'weights' | 'devices' | 'accelerator'>;

/**
 * The backend that generates text, wherever it runs. MindFormers comes from the source tree, writes into its working directory, and reads a copy of the
 * configuration that fits device and adapters.
 */
function modelProcess(loaded: Loaded, context: MindFormersContext): ModelProcess {
  const { image, setEnvScripts, sourceTree, version } = context;
  const known = modelOf(loaded.model.name, version);
  if (loaded.devices > 1) {
    throw new Error(`'devices' must be 1 for runtime '${NAME}', got ${String(loaded.devices)}: it generates text on one; use 'replicas' for more`);
  }
  const adapters = loadedAdapters(loaded.weights, context);
  const prediction = adapters ? known.loraPrediction ?? known.prediction : known.prediction;
  const devices = loaded.devices === 0 ? undefined : loaded.devices;
  // The vendor's environment is sourced by the server's own words.
  const started = { ...context, setEnvScripts: [] };
  return {
    runtime: NAME, image, setEnvScripts, backend: NAME, minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT,
    backendOptions: { config: `${FOLDER}/${path.basename(prediction)}`, 'checkpoint-file': `${known.name}.ckpt` },
    inputs: [sourceTree],
    check: [
      ...startCommand(started, devices),
      'python3', scriptPath('enter_folder'), '--folder', FOLDER, '--python-path', sourceTree.path, '--config', `${sourceTree.path}/${prediction}`,
      ...Object.entries(changes(loaded, known, adapters)).flatMap(([key, value]) => ['--set', `${key}=${value}`]), '--',
    ],
    fragment: {
      env: version._row.commandLine.dottedOverrides ? [...INFERENCE] : [],
      scripts: ['enter_folder', ...startScripts(started, devices)],
    },
  };
}

function changes({ accelerator }: Loaded, known: MindFormersModel, adapters: Adapters | undefined): Record<string, string> {
  const memory = memoryLimit(accelerator?.deviceMemory);
  const patched = adapters !== undefined && known.loraPrediction === undefined;
  return { ...(memory !== undefined && { 'context.max_device_memory': memory }), ...(patched && ADAPTERS), ...unusualValues(known, adapters) };
}
