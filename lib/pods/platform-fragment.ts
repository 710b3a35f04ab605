import type { V1Toleration } from '@kubernetes/client-node';

import type { Platform } from '../platform';
import type { PodToleration } from '../platform-props';
import type { PodFragment } from './pod-fragment';

/** What a platform asks of every pod. */
export function platformFragment({ props }: Platform): PodFragment {
  const { imagePullSecrets, tolerations, nodeSelector, priorityClassName, podLabels, podAnnotations } = props;
  return {
    source: 'the platform',
    ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map(({ name }) => ({ name })) }),
    ...(tolerations && { tolerations: tolerations.map(renderToleration) }),
    ...(nodeSelector && { nodeSelector }),
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(podLabels && { labels: podLabels }),
    ...(podAnnotations && { annotations: podAnnotations }),
  };
}

/**
 * A toleration as Kubernetes writes it.
 *
 * @throws if the effect is none that Kubernetes knows, or a value stands without a key
 */
export function renderToleration({ key, value, effect }: PodToleration): V1Toleration {
  if (effect !== undefined && !['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect)) {
    throw new Error(`'effect' of a toleration must be NoSchedule, PreferNoSchedule or NoExecute, got '${effect}'`);
  }
  if (key === undefined && value !== undefined) {
    throw new Error(`a toleration with the value '${value}' needs a 'key'`);
  }
  return {
    ...(key !== undefined && { key }),
    operator: value === undefined ? 'Exists' : 'Equal',
    ...(value !== undefined && { value }),
    ...(effect !== undefined && { effect }),
  };
}
