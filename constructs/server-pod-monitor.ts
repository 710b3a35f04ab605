import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

import type { InferenceDeploymentProps } from './inference-deployment-props';
import type { RenderedServer } from './server';

/** Lets Prometheus read the metrics of a server's pods. */
export function renderPodMonitor(
  scope: Construct, { name, labels, selector }: RenderedServer, port: string, { podMonitor = false, podMonitorLabels }: InferenceDeploymentProps,
): ApiObject | undefined {
  if (!podMonitor && podMonitorLabels !== undefined) {
    throw new Error('\'podMonitorLabels\' are for a PodMonitor, which needs \'podMonitor\'');
  }
  return podMonitor ? new ApiObject(scope, 'pod-monitor', {
    apiVersion: 'monitoring.coreos.com/v1', kind: 'PodMonitor', metadata: { name, labels: { ...labels, ...podMonitorLabels } },
    spec: { selector: { matchLabels: selector }, podMetricsEndpoints: [{ port, path: '/metrics' }] },
  }) : undefined;
}
