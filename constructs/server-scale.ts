import type { InferenceDeploymentProps } from './inference-deployment-props';

/** How many pods a server has: a fixed number, or a range for an autoscaler. */
export interface ServerScale {
  /** Undefined where an autoscaler decides. */
  readonly replicas?: number;
  /** The least pods that there will be. */
  readonly atLeast: number;
  /** The most pods that there will be. */
  readonly atMost: number;
}

/** How many pods the props of a server ask for. */
export interface AskedScale extends ServerScale {
  /** The prop that says `atMost`, for errors. */
  readonly prop: 'replicas' | 'maxReplicas';
}

/** The pods that the props of a server ask for. */
export function serverScale(props: InferenceDeploymentProps): AskedScale {
  const { replicas, minReplicas = 1, maxReplicas } = props;
  const unused = (['minReplicas', 'queueMetric', 'targetQueueLength'] as const).find((prop) => props[prop] !== undefined);
  if (maxReplicas === undefined && unused !== undefined) {
    throw new Error(`'${unused}' is for an autoscaler, which needs 'maxReplicas'`);
  }
  const scale = maxReplicas === undefined ? fixed(replicas ?? 1) : range(minReplicas, maxReplicas, replicas);
  checkStore(props, scale);
  return scale;
}

function fixed(replicas: number): AskedScale {
  if (!Number.isInteger(replicas) || replicas < 0) {
    throw new Error(`'replicas' must be a whole number from 0, got ${String(replicas)}`);
  }
  return { replicas, atLeast: replicas, atMost: replicas, prop: 'replicas' };
}

function range(minReplicas: number, maxReplicas: number, replicas: number | undefined): AskedScale {
  if (replicas !== undefined) {
    throw new Error('\'replicas\' does not go with \'maxReplicas\', which leaves their number to the autoscaler; use \'minReplicas\'');
  }
  if (!Number.isInteger(minReplicas) || !Number.isInteger(maxReplicas) || minReplicas < 1 || maxReplicas < minReplicas) {
    throw new Error(`'minReplicas' and 'maxReplicas' must be whole numbers, from 1 and in this order, got ${String(minReplicas)} and ${String(maxReplicas)}`);
  }
  return { atLeast: minReplicas, atMost: maxReplicas, prop: 'maxReplicas' };
}

function checkStore({ weights }: InferenceDeploymentProps, { atMost, prop }: AskedScale): void {
  if (atMost > 1 && weights?.store.shared === false) {
    throw new Error(`'${prop}' is ${String(atMost)}, but the store '${weights.store.storeName}' can be used on one node only; make it ReadWriteMany, or use one replica`);
  }
}
