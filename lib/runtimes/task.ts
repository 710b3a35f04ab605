import type { Architecture } from '../accelerators/node-type';
import type { Artifact } from '../artifacts/artifact';
import type { CommandPart, PodFragment } from '../pods/pod-fragment';
import type { SecurityLevel } from '../pods/security-level';

/** What a runtime answers when it is asked for a task: plain data that any workload kind can run. */
export interface Task {
  /** The task's name, which becomes the container's name and the label `app.kubernetes.io/component`. */
  readonly name: string;
  /** The runtime's name, for labels and errors. */
  readonly runtime: string;
  /** The image, pinned. */
  readonly image: string;
  /** The processor architecture of the image, where it has only one. */
  readonly architecture?: Architecture | undefined;
  /** The whole command of the main container. */
  readonly command: readonly CommandPart[];
  /** Artifacts that must be complete before the command starts. */
  readonly inputs: readonly Artifact[];
  /** The artifact that it makes. */
  readonly output?: Artifact | undefined;
  /** Environment, ports, probes, requests, volumes and scripts of its own. */
  readonly fragment: Omit<PodFragment, 'source'>;
  /** How much its pods can be held back by default. */
  readonly security: SecurityLevel;
  /** Devices of the pod; undefined for a task that computes on the processor. */
  readonly devices?: number | undefined;
}

/** A task that makes an artifact. */
export interface StepTask extends Task {
  readonly output: Artifact;
}

/** A volume for `/dev/shm`, which is 64 MiB in containers and too small for ranks that talk through it. */
export function sharedMemory(mebibytes: number): Required<Pick<PodFragment, 'volumes' | 'mounts'>> {
  return {
    volumes: [{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: `${String(mebibytes)}Mi` } }],
    mounts: [{ name: 'dshm', mountPath: '/dev/shm' }],
  };
}
