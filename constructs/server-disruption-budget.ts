import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import type { RenderedServer } from './server';
import type { ServerScale } from './server-scale';

/** From two pods on, a drain of nodes takes one pod at a time; one that is not ready never holds a drain up. */
export function renderDisruptionBudget(scope: Construct, { name, labels, selector }: RenderedServer, { atLeast }: ServerScale): ApiObject | undefined {
  return atLeast < 2 ? undefined : new ApiObject(scope, 'disruption-budget', {
    apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name, labels: { ...labels } },
    spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: selector } },
  });
}
