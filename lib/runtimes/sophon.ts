import { ArtifactFormat } from '../artifacts/artifact-format';
import { checkImage } from '../image';
import { SecurityLevel } from '../pods/security-level';
import type { RuntimeDialect, ServeRequest } from './runtime-dialect';
import { serveTask } from './serving';
import { ServingBackend } from './serving-backend';

/** Options of `Runtime.sophon`. */
export interface SophonOptions {
  /** An image with Python 3 and the `chat` extension of LLM-TPU's python_demo; no public one is known. */
  readonly image: string;
}

/** Chips that a bmodel is compiled for (LLM-TPU@edb7f13e models/ChatGLM3 README: 1, 2, 4 and 8). */
const DEVICES = [1, 2, 4, 8];

/** ChatGLM3 compiled for BM1684X by TPU-MLIR (sophgo/LLM-TPU@edb7f13e). A bmodel loads in a minute or two; start-up gets at least 5. */
export function sophon({ image }: SophonOptions): RuntimeDialect {
  checkImage('image', image);
  const options = { runtime: 'sophon', image, setEnvScripts: [], minimumStartupSeconds: 300, security: SecurityLevel.VENDOR_DEFAULT };
  return {
    name: 'sophon',
    needsAccelerator: true,
    models: ['chatglm3-6b'],
    backend: ServingBackend._of('sophon'),
    weightsFormat: ArtifactFormat.BMODEL,
    serve: (request) => {
      checkDevices(request);
      return serveTask(options, request);
    },
  };
}

function checkDevices({ devices }: ServeRequest): void {
  if (!DEVICES.includes(devices)) {
    throw new Error(`'devices' must be one of ${DEVICES.join(', ')} for runtime 'sophon', as the bmodel was compiled for, got ${String(devices)}`);
  }
}
