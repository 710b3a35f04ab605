import type { ArgoCdOptions } from '../delivery-options';
import type { KubernetesObject } from '../workloads/kubernetes-object';
import { isRingsConfig } from './annotations';
import { type AppliedStage, fullName } from './applied-stage';

/**
 * The Application that applies a part of a chart. Within it, sync waves keep the order.
 *
 * Fields: argo-cd v2.14 `manifests/crds/application-crd.yaml`.
 *
 * @param part a part whose folder holds all its stages
 */
export function argoCdApplication(part: AppliedStage, options: ArgoCdOptions): KubernetesObject {
  const { revision = 'HEAD', path = 'dist', project = 'default', argoCdNamespace = 'argocd', server = 'https://kubernetes.default.svc', automated = true } = options;
  const ignoreDifferences = part.manifests.filter(({ kind, metadata }) => isRingsConfig({ kind, name: metadata.name })).map(filledByOperator);
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: fullName(part), namespace: argoCdNamespace },
    spec: {
      project,
      source: { repoURL: options.repositoryUrl, targetRevision: revision, path: `${path}/${part.chart}/${part.name}` },
      destination: { server, ...(part.namespace !== undefined && { namespace: part.namespace }) },
      syncPolicy: { ...(automated && { automated: { prune: true, selfHeal: true } }), syncOptions: syncOptions(options) },
      ...(ignoreDifferences.length > 0 && { ignoreDifferences }),
    },
  };
}

/** A sync replaces, and so restarts, all Jobs with `Replace=true`, changed or not, unless it leaves out what is in sync (argo-cd gitops-engine/pkg/sync/sync_context.go). */
function syncOptions({ stableJobNames = false }: ArgoCdOptions): string[] {
  return ['RespectIgnoreDifferences=true', ...stableJobNames ? ['ApplyOutOfSyncOnly=true'] : []];
}

/** MindCluster's operator writes the rank table into the ConfigMap. */
function filledByOperator({ metadata }: KubernetesObject): object {
  return { kind: 'ConfigMap', name: metadata.name, jsonPointers: ['/data'] };
}
