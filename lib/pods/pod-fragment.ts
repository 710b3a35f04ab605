import type {
  V1Affinity,
  V1Container,
  V1ContainerPort,
  V1EnvVarSource,
  V1HostAlias,
  V1LocalObjectReference,
  V1PodSecurityContext,
  V1Probe,
  V1SecurityContext,
  V1Toleration,
  V1TopologySpreadConstraint,
  V1Volume,
  V1VolumeMount,
} from '@kubernetes/client-node';

/**
 * One environment variable of the main container: exactly one of `value`, `template` and `valueFrom`.
 *
 * `value` is literal: whatever looks like a reference (`$(NAME)`) is escaped, so that it reaches the process unchanged.
 * `template` may refer to variables with `$(NAME)`; it is ordered behind the variables it refers to.
 */
export interface EnvEntry {
  readonly name: string;
  readonly value?: string;
  readonly template?: string;
  readonly valueFrom?: V1EnvVarSource;
}

/** One word of a command: literal text, or a template in which the kubelet expands `$(NAME)`. */
export type CommandPart = string | { readonly template: string };

/** A text file that the pod gets at an absolute path, through a ConfigMap. */
export interface PodFile {
  readonly path: string;
  readonly text: string;
}

/** cpu, memory and extended resources by name; extended ones are whole numbers. */
export type ResourceList = Readonly<Record<string, number | string>>;

/** The probes of the main container. */
export interface ProbeSet {
  readonly startup?: V1Probe;
  readonly readiness?: V1Probe;
  readonly liveness?: V1Probe;
}

/**
 * What one concern wants of a pod, as immutable plain data. Every concern (a runtime's task, a device plugin, a preset,
 * the platform, the caller) gives one, and `compose` alone turns them into a pod.
 *
 * `labels` and `annotations` belong to the pod template, `objectLabels` and `objectAnnotations` to the workload object
 * and to the ConfigMaps that operators match by label.
 */
export interface PodFragment {
  /** Who wants this, in the words of an error message: `env preset 'hccl'`. */
  readonly source: string;

  readonly containerName?: string;
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly command?: readonly CommandPart[];
  readonly env?: readonly EnvEntry[];
  readonly ports?: readonly V1ContainerPort[];
  readonly probes?: ProbeSet;
  readonly devices?: ResourceList;
  readonly requests?: ResourceList;
  readonly limits?: ResourceList;
  readonly securityContext?: V1SecurityContext;
  /** Whether somebody may type into the main container, on a terminal. */
  readonly terminal?: boolean;
  readonly mounts?: readonly V1VolumeMount[];

  readonly volumes?: readonly V1Volume[];
  readonly initContainers?: readonly V1Container[];
  readonly scripts?: readonly string[];
  readonly files?: readonly PodFile[];

  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly objectLabels?: Readonly<Record<string, string>>;
  readonly objectAnnotations?: Readonly<Record<string, string>>;

  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly V1Toleration[];
  readonly affinity?: V1Affinity;
  readonly topologySpreadConstraints?: readonly V1TopologySpreadConstraint[];
  readonly schedulerName?: string;
  readonly priorityClassName?: string;
  readonly runtimeClassName?: string;
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly imagePullSecrets?: readonly V1LocalObjectReference[];
  readonly podSecurityContext?: V1PodSecurityContext;
  readonly hostAliases?: readonly V1HostAlias[];
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly hostNetwork?: boolean;
  readonly restartPolicy?: string;
  readonly terminationGracePeriodSeconds?: number;
}

/** The layers of a pod, lowest first: inside one layer a disagreement is an error, across layers the later one wins. */
export interface PodLayers {
  readonly runtime: readonly PodFragment[];
  readonly devicePlugin: readonly PodFragment[];
  readonly preset: readonly PodFragment[];
  readonly platform: readonly PodFragment[];
  readonly props: readonly PodFragment[];
}
