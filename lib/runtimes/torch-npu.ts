import { Dtype } from '../accelerators/dtype';
import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { scriptPath } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import { benchmarkStep, chatTask, type ModelProcess, predictStep } from './model-steps';
import type { RuntimeDialect } from './runtime-dialect';
import { serveTask } from './serving';
import { ServingBackend } from './serving-backend';

/** Options of `Runtime.torchNpu`. */
export interface TorchNpuOptions {
  /** An image with CANN, PyTorch, torch_npu, and the transformers and sentencepiece that the model's code asks for. */
  readonly image: string;

  /**
   * Files whose environment is sourced before the process starts, in order. The pod's own variables win over theirs.
   *
   * @default - `set_env.sh` of the CANN toolkit at its default place
   */
  readonly setEnvScripts?: string[];
}

const NAME = 'torch-npu';
const BACKEND = 'transformers';
/** What the backend can load a model in. */
const DTYPES = [Dtype.FLOAT16, Dtype.BFLOAT16, Dtype.FLOAT32];
const SET_ENV_SCRIPTS = ['/usr/local/Ascend/ascend-toolkit/set_env.sh'];

/**
 * Published models by transformers on torch_npu (THUDM/GLM-4 README_zh_240605: Ascend NPU since 2024-12-10; Ascend/ModelZoo-PyTorch@6a2804a3 for ChatGLM-6B and
 * ChatGLM2-6B). One device serves: the models' own code cannot split them.
 */
export function torchNpu({ image, setEnvScripts = SET_ENV_SCRIPTS }: TorchNpuOptions): RuntimeDialect {
  checkImage('image', image);
  const process: ModelProcess = {
    runtime: NAME, image, backend: BACKEND, setEnvScripts, minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT,
    check: ['python3', scriptPath('check_start'), '--vendor', 'ascend', '--devices', '1', '--'], fragment: { scripts: ['check_start'] },
  };
  return {
    name: NAME,
    needsAccelerator: true,
    backend: ServingBackend._of(BACKEND),
    weightsFormat: ArtifactFormat.HUGGING_FACE,
    serve: onOneDevice((request) => serveTask(request.backend.name === 'echo' ? { ...process, check: [], fragment: {} } : computing(process, request.dtype), request)),
    chat: onOneDevice((request) => chatTask(computing(process, request.dtype), request)),
    steps: {
      predict: onOneDevice((request) => predictStep(computing(process, request.dtype), request)),
      benchmark: onOneDevice((request) => benchmarkStep(computing(process, request.dtype), request)),
    },
  };
}

function computing(process: ModelProcess, dtype: Dtype): ModelProcess {
  if (!DTYPES.includes(dtype)) {
    throw new Error(`'dtype' must be one of ${DTYPES.join(', ')} for runtime '${NAME}', got ${dtype}`);
  }
  return { ...process, backendOptions: { device: 'npu', 'data-type': dtype } };
}

function onOneDevice<Request extends { readonly devices: number }, Answer>(answer: (request: Request) => Answer): (request: Request) => Answer {
  return (request) => {
    if (request.devices !== 1) {
      throw new Error(`'devices' must be 1 for runtime '${NAME}', got ${String(request.devices)}: it cannot split a model; use 'replicas' for more, or Runtime.mindIe or Runtime.atbModels`);
    }
    return answer(request);
  };
}
