import { ApiObject, Chart } from 'cdk8s';
import type { Construct, IConstruct } from 'constructs';

import { compareObjects } from '../lib/rules/check-objects';
import { errorsOf } from '../lib/rules/rule';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';

/** Charts that are compared, and how many constructs they had when nothing was wrong with them. */
const COMPARED = new WeakMap<Chart, number>();

/** Apps that compare the objects of their charts themselves when they have rendered them. */
const COMPARING = new WeakSet<IConstruct>();

/**
 * Lets the rules that compare objects run over a chart when it is validated, once for all constructs in it. cdk8s validates every chart once for each chart of the
 * app, so a chart that was found free of errors is looked at again only when it has grown.
 */
export function compareObjectsOfChart(scope: Construct): void {
  const chart = Chart.of(scope);
  if (COMPARED.has(chart)) {
    return;
  }
  COMPARED.set(chart, 0);
  chart.node.addValidation({
    validate: () => {
      const constructs = COMPARING.has(chart.node.root) ? [] : chart.node.findAll();
      if (COMPARED.get(chart) === constructs.length) {
        return [];
      }
      const errors = errorsOf(compareObjects(constructs.filter((construct) => construct instanceof ApiObject && Chart.of(construct) === chart).map((object) => plain(object as ApiObject))));
      COMPARED.set(chart, errors.length === 0 ? constructs.length : 0);
      return errors;
    },
  });
}

/** Leaves it to the app to call `comparedErrors` for each of its charts, so that objects need not be rendered for their validation alone. */
export function compareObjectsOfApp(app: IConstruct): void {
  COMPARING.add(app);
}

/** What the rules that compare objects find in a chart's manifests, as errors of its validation; nothing in a chart without constructs of this library. */
export function comparedErrors(chart: Chart, manifests: readonly KubernetesObject[]): string[] {
  return COMPARED.has(chart) ? errorsOf(compareObjects(manifests)).map((error) => `[${chart.node.path}] ${error}`) : [];
}

/** No rule compares what is in ConfigMaps, which hold whole scripts: their head is enough. */
function plain(object: ApiObject): KubernetesObject {
  const { apiVersion, kind, name, metadata } = object;
  return kind === 'ConfigMap' ? { apiVersion, kind, metadata: { ...metadata.toJson() as object, name } } : object.toJson() as KubernetesObject;
}
