import type { Size } from 'cdk8s';
import type { ISecret } from 'cdk8s-plus-27';

import type { DevicePlugin } from './accelerators/device-plugin';
import type { NodeType } from './accelerators/node-type';
import type { Delivery } from './delivery';
import type { PodUser } from './pods/pod-user';
import type { SecurityLevel } from './pods/security-level';
import type { Scheduler } from './scheduler';
import type { ScriptDelivery } from './script-delivery';

/** A taint that pods tolerate. */
export interface PodToleration {
  /**
   * The taint's key.
   *
   * @default - every key
   */
  readonly key?: string;

  /**
   * The taint's value.
   *
   * @default - every value of the key
   */
  readonly value?: string;

  /**
   * `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
   *
   * @default - every effect
   */
  readonly effect?: string;
}

/** A private certificate authority, in a key of a ConfigMap. */
export interface CaBundle {
  /** The ConfigMap, in the namespace of the workloads. */
  readonly configMapName: string;

  /**
   * The key that holds the PEM text.
   *
   * @default 'ca.crt'
   */
  readonly key?: string;
}

/** What a platform team says once about a cluster. */
export interface PlatformProps {
  /**
   * The server products in the cluster. A workload's product follows from its chip.
   *
   * @default - none: workloads that need to know it say `nodeType`
   */
  readonly nodeTypes?: NodeType[];

  /**
   * The device plugins in the cluster. A workload's plugin follows from its chip.
   *
   * @default - none: workloads with an accelerator say `devicePlugin`
   */
  readonly devicePlugins?: DevicePlugin[];

  /**
   * Who places the pods.
   *
   * @default Scheduler.DEFAULT
   */
  readonly scheduler?: Scheduler;

  /**
   * A mirror of all registries, host and path: `quay.io/ascend/x:1` is pulled as `<imageRegistry>/ascend/x:1`.
   *
   * @default - images are pulled by their own names
   */
  readonly imageRegistry?: string;

  /**
   * Secrets for pulling images. The platform is attached before a chart has constructs, so their references stand in another scope:
   * `Secret.fromSecretName(new RootConstruct('references'), 'registry', 'registry-pull')`.
   *
   * @default - none
   */
  readonly imagePullSecrets?: ISecret[];

  /**
   * Taints that every pod tolerates.
   *
   * @default - none
   */
  readonly tolerations?: PodToleration[];

  /**
   * Labels of the nodes that pods may run on, beside what the device plugin asks for.
   *
   * @default - none
   */
  readonly nodeSelector?: { [key: string]: string };

  /**
   * The PriorityClass of every pod.
   *
   * @default - the cluster's default
   */
  readonly priorityClassName?: string;

  /**
   * Labels of every pod.
   *
   * @default - none
   */
  readonly podLabels?: { [key: string]: string };

  /**
   * Annotations of every pod.
   *
   * @default - none
   */
  readonly podAnnotations?: { [key: string]: string };

  /**
   * The user that all pods of a workflow run as, so that each can read what the others wrote.
   *
   * @default - downloads run as 1000:1000, vendor images as the user they were built for
   */
  readonly user?: PodUser;

  /**
   * How much the pods are held back.
   *
   * @default - each runtime's own: restricted where nothing vendor-made runs, else SecurityLevel.VENDOR_DEFAULT
   */
  readonly security?: SecurityLevel;

  /**
   * Proxy for http.
   *
   * @default - none
   */
  readonly httpProxy?: string;

  /**
   * Proxy for https.
   *
   * @default - none
   */
  readonly httpsProxy?: string;

  /**
   * Hosts and domains that are reached without the proxy. Cluster addresses are always added when there is a proxy.
   *
   * @default - none
   */
  readonly noProxy?: string[];

  /**
   * A private certificate authority that downloads trust beside the public ones.
   *
   * @default - public authorities only
   */
  readonly caBundle?: CaBundle;

  /**
   * A mirror of Hugging Face.
   *
   * @default 'https://huggingface.co'
   */
  readonly huggingFaceEndpoint?: string;

  /**
   * A mirror of ModelScope.
   *
   * @default 'https://modelscope.cn'
   */
  readonly modelScopeEndpoint?: string;

  /**
   * What a download of weights can count on, per second. Deadlines and start-up budgets follow from it.
   *
   * @default Size.mebibytes(10)
   */
  readonly downloadRate?: Size;

  /**
   * Who applies the manifests.
   *
   * @default Delivery.KUBECTL
   */
  readonly delivery?: Delivery;

  /**
   * How scripts reach the pods.
   *
   * @default ScriptDelivery.configMaps()
   */
  readonly scriptDelivery?: ScriptDelivery;
}
