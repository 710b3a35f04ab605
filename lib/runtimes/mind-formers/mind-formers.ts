import * as path from 'node:path';

import { ArtifactFormat } from '../../artifacts/artifact-format';
import type { EnvEntry } from '../../pods/pod-fragment';
import { scriptPath } from '../../pods/scripts';
import { SecurityLevel } from '../../pods/security-level';
import { benchmarkStep, chatTask, type ModelProcess, predictStep } from '../model-steps';
import type { RuntimeDialect, ServeRequest } from '../runtime-dialect';
import { serveTask } from '../serving';
import { ServingBackend } from '../serving-backend';
import { ADAPTERS } from './configuration';
import { evaluate } from './evaluate';
import { finetune } from './finetune';
import { contextOf, type MindFormersContext, type MindFormersOptions, NAME, startCommand, startScripts } from './options';
import { modelOf } from './resolve';
import { convert, dataset, merge } from './steps';

/** MindFormers on MindSpore, for Ascend 910. */
export function mindFormers(options: MindFormersOptions): RuntimeDialect {
  const context = contextOf(options);
  return {
    name: NAME,
    needsAccelerator: true,
    models: context.version.models,
    backend: ServingBackend._of(NAME),
    weightsFormat: ArtifactFormat.MINDSPORE,
    serve: (request) => serveTask(modelProcess(request, context), request),
    finetune: (request) => finetune(request, context),
    chat: (request) => chatTask(modelProcess(request, context), request),
    steps: {
      convert: (request) => convert(request, context),
      dataset: (request) => dataset(request, context),
      merge: (request) => merge(request, context),
      evaluate: (request) => evaluate(request, context),
      predict: (request) => predictStep(modelProcess(request, context), request),
      benchmark: (request) => benchmarkStep(modelProcess(request, context), request),
    },
  };
}

/** As the ChatGLM3 guide sets them for inference (docs/model_cards/glm3.md of 3354237). */
const INFERENCE: readonly EnvEntry[] = [{ name: 'GRAPH_OP_RUN', value: '1' }, { name: 'MS_ENABLE_INTERNAL_KERNELS', value: 'on' }];

/** Where MindFormers may write what nobody keeps. */
const FOLDER = '/tmp/mindformers';

type Loaded = Pick<ServeRequest, 'model' | 'devices'>;

/** The backend that generates text, wherever it runs. */
function modelProcess({ model, devices }: Loaded, context: MindFormersContext): ModelProcess {
  const known = modelOf(model.name, context.version);
  if (devices > 1) {
    throw new Error(`'devices' must be 1 for runtime '${NAME}', got ${String(devices)}: it generates text on one; use 'replicas' for more`);
  }
  const { image, setEnvScripts, sourceTree, version, lora } = context;
  const prediction = lora ? known.loraPrediction ?? known.prediction : known.prediction;
  const patched = lora && known.loraPrediction === undefined ? Object.entries(ADAPTERS).flatMap(([key, value]) => ['--set', `${key}=${value}`]) : [];
  const config = `${sourceTree.path}/${prediction}`;
  return {
    runtime: NAME, image, setEnvScripts, backend: NAME, minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT,
    backendOptions: { config: patched.length > 0 ? `${FOLDER}/${path.basename(prediction)}` : config, 'checkpoint-file': `${known.name}.ckpt` },
    inputs: [sourceTree],
    // The vendor's environment is sourced by the server's own words. MindFormers comes from the source tree and writes into its working directory.
    check: [
      ...startCommand({ ...context, setEnvScripts: [] }, devices === 0 ? undefined : devices),
      'python3', scriptPath('enter_folder'), '--folder', FOLDER, '--python-path', sourceTree.path,
      ...(patched.length > 0 ? ['--config', config, ...patched] : []), '--',
    ],
    fragment: {
      env: version._row.commandLine.dottedOverrides ? [...INFERENCE] : [],
      scripts: ['enter_folder', ...startScripts({ ...context, setEnvScripts: [] }, devices === 0 ? undefined : devices)],
    },
  };
}
