import { Secret } from 'cdk8s-plus-27';
import { RootConstruct } from 'constructs';

import { Accelerator, Delivery, DevicePlugin, NodeType, type PlatformProps, Scheduler, ScriptDelivery } from 'cdk8s-chatglm';

/** What tenants share a chip of. */
export interface Chip {
  readonly accelerator: Accelerator;
  /** What the device plugin calls it; the quota counts it. */
  readonly resource: string;
  /** What PodSecurity must allow for its pods: vendor images run as root (baseline); a volume of the node needs privileged. */
  readonly podSecurity: PodSecurityLevel;
}

/** A level of the Pod Security Standards. */
export type PodSecurityLevel = 'restricted' | 'baseline' | 'privileged';

/** A Kubernetes cluster, or one for each environment. */
export interface Cluster {
  /** The chips by their names in tenants.yaml. */
  readonly chips: Readonly<Record<string, Chip>>;
  /** The NFS share with the weights of all tenants. */
  readonly share: (environment: string) => { readonly server: string; readonly path: string };
  readonly platform: (environment: string) => PlatformProps;
}

export const ENVIRONMENTS = ['dev', 'prod'];

/** A scope for references to Secrets, of which nothing is rendered. */
const references = new RootConstruct('references');

/** The outside world, once for all clusters. */
const SITE: PlatformProps = {
  imageRegistry: 'harbor.corp.example/mirror',
  imagePullSecrets: [Secret.fromSecretName(references, 'registry', 'registry-pull')],
  httpsProxy: 'http://proxy.corp.example:3128',
  noProxy: ['.corp.example'],
  caBundle: { configMapName: 'corp-ca' },
  huggingFaceEndpoint: 'https://hf-mirror.corp.example',
  // Built from container/: with ConfigMaps, every tenant's file would hold a copy of the scripts.
  scriptDelivery: ScriptDelivery.image('registry.corp.example/llm/chatglm-scripts:1.0'),
};

export const CLUSTERS: Readonly<Record<string, Cluster>> = {
  // MindCluster and Volcano; Argo CD applies.
  ascend: {
    chips: {
      '910B': { accelerator: Accelerator.ASCEND_910B4, resource: 'huawei.com/Ascend910', podSecurity: 'baseline' },
      '310P': { accelerator: Accelerator.ASCEND_310P_300I_DUO_96G, resource: 'huawei.com/Ascend310P', podSecurity: 'baseline' },
    },
    share: (environment) => ({ server: 'nfs-ascend.corp.example', path: `/weights/${environment}` }),
    platform: (environment) => ({
      ...SITE,
      nodeTypes: [NodeType.ATLAS_800I_A2, NodeType.ATLAS_300I_DUO_SERVER],
      devicePlugins: [DevicePlugin.mindCluster({ version: '26.1.0' })],
      scheduler: Scheduler.volcano({ queue: `llm-${environment}` }),
      priorityClassName: `llm-${environment}`,
      delivery: Delivery.argoCd({ repositoryUrl: 'https://git.corp.example/platform/llm.git', path: `dist/ascend-${environment}`, project: `llm-${environment}` }),
    }),
  },
  // Cambricon's plugin and generic-device-plugin; Flux applies.
  mixed: {
    chips: {
      MLU370: { accelerator: Accelerator.MLU370_X8, resource: 'cambricon.com/mlu370', podSecurity: 'baseline' },
      // The images have libsophon; with `mountLibsophon: true` it is a folder of the node, and this is 'privileged'.
      BM1684X: { accelerator: Accelerator.BM1684X, resource: 'squat.ai/bm1684x', podSecurity: 'baseline' },
    },
    share: (environment) => ({ server: 'nfs-mixed.corp.example', path: `/weights/${environment}` }),
    platform: (environment) => ({
      ...SITE,
      nodeTypes: [NodeType.MLU370_X8_SERVER, NodeType.SC7_HP75_SERVER],
      devicePlugins: [DevicePlugin.cambricon(), DevicePlugin.genericDevicePlugin({ name: 'bm1684x' })],
      priorityClassName: `llm-${environment}`,
      delivery: Delivery.flux({ path: `dist/mixed-${environment}` }),
    }),
  },
};
