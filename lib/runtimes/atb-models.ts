import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { SecurityLevel } from '../pods/security-level';
import type { RuntimeDialect, ServeRequest } from './runtime-dialect';
import { serveTask } from './serving';
import { ServingBackend } from './serving-backend';

/** Options of `Runtime.atbModels`. */
export interface AtbModelsOptions {
  /** An image with CANN, ATB, torch_npu, transformers 4.30.2 and Python 3; no public one is known. */
  readonly image: string;

  /**
   * Files whose environment is sourced before the process starts, in order. The pod's own variables win over theirs.
   *
   * @default - `set_env.sh` of the CANN toolkit and of the ATB library at their default places
   */
  readonly setEnvScripts?: string[];
}

/** Default places of CANN's and ATB's installers. */
const SET_ENV_SCRIPTS = ['/usr/local/Ascend/ascend-toolkit/set_env.sh', '/usr/local/Ascend/nnal/atb/set_env.sh'];

/** Tensor-parallel sizes by chip series (ModelLink@839b2483 and MindIE-LLM@8b4871ad, world sizes of ChatGLM2). */
const WORLD_SIZES: Readonly<Record<string, readonly number[]>> = { '310P': [1, 2, 4], '910B': [1, 2, 4, 8] };

/** ChatGLM2 on PyTorch with Ascend Transformer Boost (atb_models of ModelLink@839b2483). Weights load for minutes, so start-up gets at least 15. */
export function atbModels({ image, setEnvScripts = SET_ENV_SCRIPTS }: AtbModelsOptions): RuntimeDialect {
  checkImage('image', image);
  const options = { runtime: 'atb-models', image, setEnvScripts, minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT };
  return {
    name: 'atb-models',
    needsAccelerator: true,
    models: ['chatglm2-6b', 'chatglm2-6b-32k'],
    backend: ServingBackend._of('atb'),
    weightsFormat: ArtifactFormat.HUGGING_FACE,
    serve: (request) => {
      checkWorldSize(request);
      return serveTask(options, request);
    },
  };
}

function checkWorldSize({ accelerator, devices }: ServeRequest): void {
  const sizes = WORLD_SIZES[accelerator?.series ?? ''];
  if (sizes !== undefined && !sizes.includes(devices)) {
    throw new Error(`'devices' must be one of ${sizes.join(', ')} for runtime 'atb-models' on ${String(accelerator)}, got ${String(devices)}`);
  }
}
