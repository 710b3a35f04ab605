import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import { checkObjects } from '../lib/rules/check-objects';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';

/**
 * Renders plain objects as the children of a construct. The first one, the workload, is called `Resource`, so that
 * `ApiObject.of(construct)` finds it.
 *
 * @throws if a rule finds a fault
 */
export function renderObjects(scope: Construct, objects: readonly KubernetesObject[]): ApiObject {
  const findings = checkObjects(objects);
  if (findings.length > 0) {
    throw new Error(findings.map(({ rule, object, message }) => `${object}: ${message} (rule ${rule})`).join('; '));
  }
  const [workload] = objects.map((object, index) => new ApiObject(scope, index === 0 ? 'Resource' : childId(object), object));
  return workload!;
}

/** An id that does not change with the object's hashed name. */
function childId({ kind, metadata }: KubernetesObject): string {
  return /-files-[0-9a-f]{8}$/.test(metadata.name) ? 'files' : kind.toLowerCase();
}
