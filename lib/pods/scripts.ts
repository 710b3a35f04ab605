/** Where the scripts of `container/` are in every pod. */
export const SCRIPTS_PATH = '/opt/cdk8s-chatglm';

/** A small image with Python for containers that no runtime's image serves. */
export const PYTHON_IMAGE = 'docker.io/library/python:3.12.7-slim-bookworm';

/**
 * The absolute path of a script in a pod.
 *
 * @param name the script's file name without `.py`
 */
export function scriptPath(name: string): string {
  return `${SCRIPTS_PATH}/${name}.py`;
}
