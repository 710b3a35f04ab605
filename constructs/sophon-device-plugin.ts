import { Construct } from 'constructs';

import { DevicePlugin } from '../lib/accelerators/device-plugin';
import { checkImage, mirrored } from '../lib/image';
import { Platform } from '../lib/platform';
import type { KubernetesObject } from '../lib/workloads/kubernetes-object';
import { renderObjects } from './kubernetes-objects';
import { located } from './located';
import { objectLabels, objectName } from './object-name';

/** Chips of a node that are handed out together. */
export interface SophonUnit {
  /** Chips in one unit: as many as the bmodels of its pods are compiled for. */
  readonly devicesPerUnit: number;
  /** Units of this size on each node. */
  readonly count: number;
}

/** How the TPUs of nodes become resources. */
export interface SophonDevicePluginProps {
  /** The image of squat/generic-device-plugin, pinned; its project tags none but `latest`. */
  readonly image: string;
  /** Labels of the nodes that have the chips. All of them are cut in the same way. */
  readonly nodeSelector: { [key: string]: string };

  /**
   * How the chips of a node are cut, from `/dev/bm-sophon0` on. Not for SoC nodes, which have one.
   *
   * @default - one unit of one chip
   */
  readonly units?: SophonUnit[];

  /**
   * Whether the nodes are SoCs (SE7), whose TPU is `/dev/bm-tpu0`, instead of hosts with PCIe cards.
   *
   * @default false
   */
  readonly soc?: boolean;

  /**
   * Whether the pods get libsophon from the node's `/opt/sophon`, which hides the image's. A host with PCIe cards needs the driver only.
   *
   * @default - as `soc`: a SoC's libraries belong to its system
   */
  readonly mountLibsophon?: boolean;
}

const DOMAIN = 'squat.ai';
const SIZES = [1, 2, 4, 8];

/** Device nodes of the driver (sophgo/libsophon@06c7ffee driver/bm_common.h). */
const CONTROL = '/dev/bmdev-ctl';
const SOC_PATHS = ['/dev/bm-tpu0', CONTROL, '/dev/ion'];

/**
 * Sophgo has no device plugin, so this one hands out device nodes: squat/generic-device-plugin (@179b1fee README) as a DaemonSet. The chips of
 * each unit are numbered from 0 inside the pod, whatever their numbers on the node. It runs in `kube-system`'s stead wherever its chart's
 * namespace is, which must allow privileged pods: the plugin's socket is the kubelet's.
 */
export class SophonDevicePlugin extends Construct {
  /** Names of the resources, e.g. `squat.ai/bm1684x`, by the chips of a unit. */
  private readonly names: ReadonlyMap<number, string>;
  private readonly mountLibsophon: boolean;

  /**
   * @throws if a unit has another number of chips than 1, 2, 4 or 8, or the image is not pinned
   */
  constructor(scope: Construct, id: string, props: SophonDevicePluginProps) {
    super(scope, id);
    const { units = [{ devicesPerUnit: 1, count: 1 }], soc = false, mountLibsophon = soc } = props;
    this.mountLibsophon = mountLibsophon;
    this.names = new Map(units.map(({ devicesPerUnit }) => [devicesPerUnit, resourceName(devicesPerUnit)]));
    located(this, () => {
      checkImage('image', props.image);
      checkUnits(units, soc);
      renderObjects(this, [this.daemonSet(props, units)]);
    });
  }

  /**
   * The plugin for the platform's `devicePlugins`, or for a workload's `devicePlugin`.
   *
   * @throws if no unit has so many chips
   */
  public devicePlugin(devicesPerUnit: number): DevicePlugin {
    const name = this.names.get(devicesPerUnit);
    if (name === undefined) {
      throw new Error(`no unit has ${String(devicesPerUnit)} chips; 'units' has ${[...this.names.keys()].join(', ')}`);
    }
    return DevicePlugin.genericDevicePlugin({ name, domain: DOMAIN, devicesPerUnit, mountLibsophon: this.mountLibsophon });
  }

  private daemonSet({ image, nodeSelector, soc = false }: SophonDevicePluginProps, units: readonly SophonUnit[]): KubernetesObject {
    const name = objectName(this);
    const { labels, selector } = objectLabels(name, 'device-plugin', this);
    const { imageRegistry, imagePullSecrets } = Platform.of(this).props;
    const container = pluginContainer(mirrored(image, imageRegistry), soc ? [device(1, [SOC_PATHS.map((path) => ({ path }))])] : pcieDevices(units));
    return {
      apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name, labels },
      spec: {
        selector: { matchLabels: selector },
        updateStrategy: { type: 'RollingUpdate' },
        template: {
          metadata: { labels: { ...labels } },
          spec: {
            nodeSelector, priorityClassName: 'system-node-critical', automountServiceAccountToken: false,
            ...(imagePullSecrets && { imagePullSecrets: imagePullSecrets.map(({ name: secret }) => ({ name: secret })) }),
            tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }, { operator: 'Exists', effect: 'NoExecute' }],
            containers: [container],
            volumes: [{ name: 'device-plugin', hostPath: { path: '/var/lib/kubelet/device-plugins' } }, { name: 'dev', hostPath: { path: '/dev' } }],
          },
        },
      },
    };
  }
}

function pluginContainer(image: string, devices: readonly object[]): object {
  return {
    name: 'device-plugin', image, imagePullPolicy: 'IfNotPresent',
    args: ['--domain', DOMAIN, ...devices.flatMap((spec) => ['--device', JSON.stringify(spec)])],
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { httpGet: { path: '/health', port: 'http' } },
    resources: { requests: { cpu: '50m', memory: '20Mi' }, limits: { memory: '64Mi' } },
    // The plugin has to open the kubelet's socket and to see the node's devices.
    securityContext: { privileged: true },
    volumeMounts: [{ name: 'device-plugin', mountPath: '/var/lib/kubelet/device-plugins' }, { name: 'dev', mountPath: '/dev' }],
  };
}

interface DevicePath {
  readonly path: string;
  readonly mountPath?: string;
}

function resourceName(devicesPerUnit: number): string {
  return devicesPerUnit === 1 ? 'bm1684x' : `bm1684x-${String(devicesPerUnit)}`;
}

function device(devicesPerUnit: number, groups: readonly (readonly DevicePath[])[]): object {
  return { name: resourceName(devicesPerUnit), groups: groups.map((paths) => ({ paths })) };
}

/** Units take the node's chips in order; libsophon wants the numbers of a process to begin with 0. */
function pcieDevices(units: readonly SophonUnit[]): object[] {
  let next = 0;
  const group = (size: number): DevicePath[] => {
    const first = next;
    next += size;
    const chips = Array.from({ length: size }, (_, index) => ({ path: `/dev/bm-sophon${String(first + index)}`, mountPath: `/dev/bm-sophon${String(index)}` }));
    return [...chips, { path: CONTROL }];
  };
  return units.map(({ devicesPerUnit, count }) => device(devicesPerUnit, Array.from({ length: count }, () => group(devicesPerUnit))));
}

function checkUnits(units: readonly SophonUnit[], soc: boolean): void {
  const wrong = units.find(({ devicesPerUnit, count }) => !SIZES.includes(devicesPerUnit) || !Number.isInteger(count) || count < 1);
  if (wrong !== undefined) {
    throw new Error(`'units' must have ${SIZES.join(', ')} chips and a whole count from 1, got ${String(wrong.count)} of ${String(wrong.devicesPerUnit)}`);
  }
  if (units.length === 0 || new Set(units.map(({ devicesPerUnit }) => devicesPerUnit)).size < units.length) {
    throw new Error('\'units\' must name each size once');
  }
  if (soc && units.some(({ devicesPerUnit, count }) => devicesPerUnit !== 1 || count !== 1)) {
    throw new Error('\'units\' must be left out with \'soc\': a SoC has one chip');
  }
}
