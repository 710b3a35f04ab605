import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { SecurityLevel } from '../pods/security-level';
import type { RuntimeDialect } from './runtime-dialect';
import { serveTask } from './serving';
import { ServingBackend } from './serving-backend';

/** Options of `Runtime.cambriconPyTorch`. */
export interface CambriconPyTorchOptions {
  /**
   * Cambricon's PyTorch image with transformers 4.27.4 and the model's dependencies. The vendor's registry is private; the guide uses
   * `yellow.hub.cambricon.com/pytorch/pytorch:v1.13.0-torch1.9-ubuntu18.04-py37` (CambriconKnight/dev-env-ubuntu@98389ace).
   */
  readonly image: string;
}

/** ChatGLM-6B on Cambricon's PyTorch. One device serves: the guide knows no tensor parallelism. Loading takes about ten minutes, so start-up gets at least 15. */
export function cambriconPyTorch({ image }: CambriconPyTorchOptions): RuntimeDialect {
  checkImage('image', image);
  const options = { runtime: 'cambricon-pytorch', image, setEnvScripts: [], minimumStartupSeconds: 900, security: SecurityLevel.VENDOR_DEFAULT };
  return {
    name: 'cambricon-pytorch',
    needsAccelerator: true,
    models: ['chatglm-6b'],
    backend: ServingBackend._of('transformers'),
    weightsFormat: ArtifactFormat.HUGGING_FACE,
    serve: (request) => {
      if (request.devices !== 1) {
        throw new Error(`'devices' must be 1 for runtime 'cambricon-pytorch', got ${String(request.devices)}: it cannot split a model; use 'replicas' for more`);
      }
      return serveTask(options, request);
    },
  };
}
