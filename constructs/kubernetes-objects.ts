import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import { checkEachObject } from '../lib/rules/check-objects';
import { errorsOf } from '../lib/rules/rule';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';
import { compareObjectsOfChart } from './chart-rules';

/**
 * Renders plain objects as the children of a construct. The first one, the workload, is called `Resource`, so that
 * `ApiObject.of(construct)` finds it. Rules that compare objects run when the chart is validated.
 *
 * @throws if a rule finds an error
 */
export function renderObjects(scope: Construct, objects: readonly KubernetesObject[]): ApiObject {
  const errors = errorsOf(checkEachObject(objects));
  if (errors.length > 0) {
    throw new Error(errors.join('; '));
  }
  compareObjectsOfChart(scope);
  const [workload] = objects.map((object, index) => new ApiObject(scope, index === 0 ? 'Resource' : childId(object), object));
  return workload!;
}

/** An id that does not change with the object's hashed name. */
function childId({ kind, metadata }: KubernetesObject): string {
  return /-files-[0-9a-f]{8}$/.test(metadata.name) ? 'files' : kind.toLowerCase();
}
