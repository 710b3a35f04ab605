import { type ApiObject, Duration } from 'cdk8s';
import { HorizontalPodAutoscaler, type IScalable, Metric, MetricTarget, Replicas, type ScalingTarget } from 'cdk8s-plus-27';
import type { Construct } from 'constructs';

import type { ServeTask } from '../lib/runtimes/runtime-dialect';
import type { InferenceDeploymentProps } from './inference-deployment-props';
import type { RenderedServer } from './server';

/** The longest period that Kubernetes takes for a scaling policy. */
const LONGEST_PERIOD_SECONDS = 1800;

/** A raw Deployment as cdk8s-plus-27 wants to see it. */
class ScalableDeployment implements IScalable {
  public hasAutoscaler = false;

  public constructor(private readonly workload: ApiObject) {}

  public markHasAutoscaler(): void {
    this.hasAutoscaler = true;
  }

  public toScalingTarget(): ScalingTarget {
    const { kind, apiVersion, name } = this.workload;
    return { kind, apiVersion, name, containers: [] };
  }
}

/**
 * An autoscaler by the length of the servers' queues. A new pod helps only when its weights are loaded, so it adds one pod in the time that this
 * takes, and takes pods away slowly.
 */
export function renderAutoscaler(scope: Construct, server: RenderedServer, task: ServeTask, props: InferenceDeploymentProps): HorizontalPodAutoscaler | undefined {
  const { minReplicas = 1, maxReplicas, queueMetric = task.queueMetric, targetQueueLength = 2 } = props;
  if (maxReplicas === undefined) {
    return undefined;
  }
  checkMetric(queueMetric, targetQueueLength);
  const { startup } = task.fragment.probes ?? {};
  const loadSeconds = (startup?.failureThreshold ?? 0) * (startup?.periodSeconds ?? 0);
  return new HorizontalPodAutoscaler(scope, 'autoscaler', {
    metadata: { name: server.name, labels: { ...server.labels } },
    target: new ScalableDeployment(server.workload), minReplicas, maxReplicas,
    metrics: [Metric.pods({ name: queueMetric, target: MetricTarget.averageValue(targetQueueLength) })],
    scaleUp: { stabilizationWindow: Duration.minutes(1), policies: [{ replicas: Replicas.absolute(1), duration: Duration.seconds(Math.min(loadSeconds, LONGEST_PERIOD_SECONDS)) }] },
    scaleDown: { stabilizationWindow: Duration.minutes(10), policies: [{ replicas: Replicas.absolute(1), duration: Duration.minutes(5) }] },
  });
}

function checkMetric(queueMetric: string, targetQueueLength: number): void {
  if (queueMetric === '') {
    throw new Error('\'queueMetric\' must be the name of a metric, got \'\'; leave it out for the server\'s own queue');
  }
  if (!(targetQueueLength > 0)) {
    throw new Error(`'targetQueueLength' must be positive, got ${String(targetQueueLength)}`);
  }
}
