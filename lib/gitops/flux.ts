import { Duration } from 'cdk8s';

import type { FluxOptions } from '../delivery-options';
import type { KubernetesObject } from '../workloads/kubernetes-object';
import { type AppliedStage, fullName, stageSeconds } from './applied-stage';
import { stateOf, type WorkloadState } from './workload-state';

const DEFAULTS = {
  sourceKind: 'GitRepository', sourceName: 'flux-system', fluxNamespace: 'flux-system', path: 'dist', interval: Duration.minutes(10), timeout: Duration.days(7),
};

/** Failed stages are tried again before the next regular look. In seconds. */
const RETRY = 120;

/**
 * The Kustomization that applies a stage. It is ready when its workloads are: claims are not waited for, since they may bind only when a pod needs them.
 *
 * Fields: fluxcd/kustomize-controller api v1.6.1 `KustomizationSpec`; `healthCheckExprs` needs Flux 2.5.
 */
export function fluxKustomization(stage: AppliedStage, options: FluxOptions): KubernetesObject {
  const { sourceKind, sourceName, fluxNamespace, path, interval, timeout } = { ...DEFAULTS, ...options };
  const healthChecks = stage.manifests.filter((manifest) => stateOf(manifest) !== undefined).map(reference);
  const healthCheckExprs = expressionsFor(stage.manifests);
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: fullName(stage), namespace: fluxNamespace },
    spec: {
      interval: `${String(interval.toSeconds())}s`,
      retryInterval: `${String(RETRY)}s`,
      timeout: `${String(stageSeconds(stage, timeout.toSeconds()))}s`,
      path: `./${path}/${stage.chart}/${stage.name}`,
      prune: true,
      sourceRef: { kind: sourceKind, name: sourceName },
      ...(stage.after.length > 0 && { dependsOn: stage.after.map((name) => ({ name })) }),
      ...(healthChecks.length > 0 && { healthChecks }),
      ...(healthCheckExprs.length > 0 && { healthCheckExprs }),
    },
  };
}

/** The `kustomization.yaml` of a folder with files. */
export function kustomizationFile(resources: readonly string[]): object {
  return { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: [...resources] };
}

function reference({ apiVersion, kind, metadata }: KubernetesObject): object {
  return { apiVersion, kind, name: metadata.name, ...(metadata.namespace !== undefined && { namespace: metadata.namespace }) };
}

/** How Flux judges the kinds that it does not know itself. */
function expressionsFor(manifests: readonly KubernetesObject[]): object[] {
  const states = new Set(manifests.map(stateOf).filter((state): state is WorkloadState => state?.expressions !== undefined));
  return [...states].map(({ apiVersion, kind, expressions }) => ({ apiVersion, kind, ...expressions }));
}
