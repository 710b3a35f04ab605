import type { PodFragment } from '../pods/pod-fragment';
import { type BatchRequest, objectMetadata } from './batch-request';
import type { KubernetesObject } from './kubernetes-object';

/** Where MindCluster's samples mount the rank table (MindCluster docs, 14_hccl.json_file_description.md). */
const RANK_TABLE_PATH = '/user/serverid/devindex/config';

/** The volume of the rank table that MindCluster's operator fills. */
export function ringsConfigFragment(name: string): Pick<PodFragment, 'volumes' | 'mounts'> {
  return {
    volumes: [{ name: 'ascend-910-config', configMap: { name: ringsConfigName(name) } }],
    mounts: [{ name: 'ascend-910-config', mountPath: RANK_TABLE_PATH, readOnly: true }],
  };
}

/**
 * The ConfigMap that MindCluster's operator fills; it only updates what exists, and finds it by this name. It has no data, so that applying the
 * manifests again does not put a completed table back; only for an operator that cannot do without (`rankTableData`) it has.
 */
export function ringsConfig(request: BatchRequest): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: objectMetadata(ringsConfigName(request.name), request),
    ...(request.rankTableData && { data: { ...request.rankTableData } }),
  };
}

function ringsConfigName(name: string): string {
  return `rings-config-${name}`;
}
