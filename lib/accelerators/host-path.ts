import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';

/** A file or directory of the node that a container sees at the same path. */
export interface HostPath {
  readonly path: string;
  /** `Directory`, `File`, `CharDevice`, ...: the kubelet refuses the pod when the node has something else. */
  readonly type: string;
  /** @default true */
  readonly readOnly?: boolean;
}

/** Volumes and mounts for paths of the node, each at its own path. */
export function hostPathMounts(paths: readonly HostPath[]): { volumes: V1Volume[]; mounts: V1VolumeMount[] } {
  return {
    volumes: paths.map(({ path, type }) => ({ name: volumeName(path), hostPath: { path, type } })),
    mounts: paths.map(({ path, readOnly = true }) => ({ name: volumeName(path), mountPath: path, ...(readOnly && { readOnly }) })),
  };
}

function volumeName(path: string): string {
  return `host${path.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.replace(/-+$/, '').slice(0, 63);
}
