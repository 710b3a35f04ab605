import type { ApiObject, Chart } from 'cdk8s';

import type { KubernetesObject } from '../../lib/workloads/kubernetes-object';
import { comparedErrors } from '../chart-rules';
import type { ConstructOrder } from './construct-order';
import { type Faults, listed } from './faults';

/** An object and what it is rendered to. */
export interface RenderedObject {
  readonly object: ApiObject;
  readonly manifest: KubernetesObject;
}

/** The objects of charts, each rendered once: for the rules that compare objects, and for its file. */
export class ChartManifests {
  private readonly errors: string[] = [];

  public constructor(private readonly order: ConstructOrder, private readonly faults: Faults) {}

  /** The objects of a chart in their order, compared with each other. What cannot be rendered is noted. */
  public of(chart: Chart): RenderedObject[] {
    const rendered = this.order.objects(chart).flatMap((object) => this.faults.keep(() => ({ object, manifest: object.toJson() as KubernetesObject })) ?? []);
    this.errors.push(...comparedErrors(chart, rendered.map(({ manifest }) => manifest)));
    return rendered;
  }

  /**
   * @throws if rules found errors in the charts that were rendered
   */
  public check(title: string): void {
    if (this.errors.length > 0) {
      throw new Error(listed(title, this.errors));
    }
  }
}
