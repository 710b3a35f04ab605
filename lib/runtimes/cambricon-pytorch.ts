import type { Artifact } from '../artifacts/artifact';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { scriptPath } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import { benchmarkStep, chatTask, type ModelProcess, predictStep } from './model-steps';
import type { RuntimeDialect } from './runtime-dialect';
import { scriptStep } from './script-step';
import { serveTask } from './serving';
import { ServingBackend } from './serving-backend';
import type { MigrateRequest } from './step-requests';
import type { StepTask } from './task';

/** Options of `Runtime.cambriconPyTorch`. */
export interface CambriconPyTorchOptions {
  /**
   * Cambricon's PyTorch image with transformers 4.27.4, the model's dependencies, and the vendor's virtual environment on PATH. The vendor's
   * registry is private; the guide uses `yellow.hub.cambricon.com/pytorch/pytorch:v1.13.0-torch1.9-ubuntu18.04-py37`
   * (CambriconKnight/dev-env-ubuntu@98389ace), and `container/images/cambricon-pytorch/Dockerfile` adds what it lacks.
   */
  readonly image: string;

  /**
   * The source tree of transformers 4.27.4 as MigrateSources made it.
   *
   * @default - the image has a migrated one
   */
  readonly transformersTree?: Artifact;
}

const NAME = 'cambricon-pytorch';

/** The backend of `container/serve` that runs Hugging Face models. */
const BACKEND = 'transformers';

/** Where the vendor's image has its tool (CambriconKnight/dev-env-ubuntu@98389ace pytorch1.9/chatglm/README.md). */
const MIGRATION_TOOL = '/torch/src/catch/tools/torch_gpu2mlu.py';

/** The oldest driver of MLU370 that the device plugin supports (Cambricon/cambricon-k8s-device-plugin README). */
const DRIVER = '4.20.9';

/** ChatGLM-6B on Cambricon's PyTorch. One device serves: the guide knows no tensor parallelism. Loading takes about ten minutes, so start-up gets at least 15. */
export function cambriconPyTorch({ image, transformersTree }: CambriconPyTorchOptions): RuntimeDialect {
  checkImage('image', image);
  transformersTree?._require([ArtifactFormat.SOURCE_TREE], 'transformersTree', 'MigrateSources makes one');
  const process = mluProcess(image, transformersTree);
  return {
    name: NAME,
    needsAccelerator: true,
    models: ['chatglm-6b'],
    backend: ServingBackend._of(BACKEND),
    weightsFormat: ArtifactFormat.HUGGING_FACE,
    serve: onOneDevice((request) => serveTask(process, request)),
    chat: onOneDevice((request) => chatTask(process, request)),
    steps: {
      migrate: (request) => migrateTask(request, image),
      predict: onOneDevice((request) => predictStep(process, request)),
      benchmark: onOneDevice((request) => benchmarkStep(process, request)),
    },
  };
}

function mluProcess(image: string, transformersTree: Artifact | undefined): ModelProcess {
  return {
    runtime: NAME, image, backend: BACKEND, setEnvScripts: [], minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT,
    backendOptions: { device: 'mlu' },
    check: ['python3', scriptPath('check_start'), '--vendor', 'cambricon', '--devices', '1', '--driver-at-least', DRIVER, '--'],
    inputs: transformersTree ? [transformersTree] : [],
    fragment: { scripts: ['check_start'], ...(transformersTree && { env: [{ name: 'PYTHONPATH', value: `${transformersTree.path}/src` }] }) },
  };
}

function migrateTask({ from, output }: MigrateRequest, image: string): StepTask {
  const artifact = output(ArtifactFormat.SOURCE_TREE, { runtime: NAME, step: 'migrate', image, from: from.lineage });
  return scriptStep({
    name: 'migrate', runtime: NAME, image, output: artifact, inputs: [from], require: ['report.md'], script: 'migrate_sources',
    words: ['--tool', MIGRATION_TOOL, '--source', from.path, '--output', artifact.path], cpus: 1, gibibytes: 1, security: SecurityLevel.VENDOR_DEFAULT,
  });
}

function onOneDevice<Request extends { readonly devices: number }, Answer>(answer: (request: Request) => Answer): (request: Request) => Answer {
  return (request) => {
    if (request.devices !== 1) {
      throw new Error(`'devices' must be 1 for runtime '${NAME}', got ${String(request.devices)}: it cannot split a model; use 'replicas' for more`);
    }
    return answer(request);
  };
}
