import { ApiObject, Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';

import { deliveryAnnotations, isAnnotated } from '../../lib/gitops/annotations';
import { Platform } from '../../lib/platform';
import { Stages } from './stage';

const annotated = new WeakSet<Chart>();

/**
 * Has the objects of a construct's chart annotated for the tool that applies them. Their stages are known only when all workloads are there, so this happens when the
 * chart is validated, the last moment before its objects are rendered. What somebody else said stays.
 */
export function annotateWhenComplete(scope: IConstruct): void {
  const chart = Chart.of(scope);
  if (!annotated.has(chart)) {
    annotated.add(chart);
    chart.node.addValidation({ validate: () => { annotate(chart); return []; } });
  }
}

function annotate(chart: Chart): void {
  const stages = Stages.of(chart);
  const objects = chart.node.findAll().filter((construct) => ApiObject.isApiObject(construct)).filter((object) => Chart.of(object) === chart);
  for (const object of objects.filter((candidate) => isAnnotated(Platform.of(candidate).delivery))) {
    const { apiVersion, kind, name } = object;
    const { depth } = stages.stageOf(object);
    addMissing(object, deliveryAnnotations(Platform.of(object).delivery, { apiVersion, kind, name, depth }));
  }
}

function addMissing(object: ApiObject, annotations: Readonly<Record<string, string>>): void {
  const present = annotationsOf(object);
  Object.entries(annotations).filter(([key]) => present[key] === undefined).forEach(([key, value]) => { object.metadata.addAnnotation(key, value); });
}

function annotationsOf({ metadata }: ApiObject): Record<string, string> {
  return (metadata.toJson() as { annotations?: Record<string, string> } | undefined)?.annotations ?? {};
}
