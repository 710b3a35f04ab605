import { PYTHON_IMAGE } from '../pods/scripts';
import { SecurityLevel } from '../pods/security-level';
import type { RuntimeDialect } from './runtime-dialect';
import { serveTask } from './serving';
import { ServingBackend } from './serving-backend';

/** No model and no vendor software: the server answers with text made from the question, on any node. */
export function echo(image: string = PYTHON_IMAGE): RuntimeDialect {
  return {
    name: 'echo',
    needsAccelerator: false,
    backend: ServingBackend.ECHO,
    serve: (request) => serveTask({ runtime: 'echo', image, setEnvScripts: [], minimumStartupSeconds: 60, security: SecurityLevel.RESTRICTED }, request),
  };
}
