import { Vendor } from './accelerator';
import { checkCount, type DeviceDialect, type DeviceRequest } from './device-dialect';
import { type HostPath, hostPathMounts } from './host-path';
import { isSoc, libsophonOfNode } from './sophgo';

/** Options of `DevicePlugin.hostDevices`. */
export interface HostDevicesOptions {
  /**
   * Numbers of the devices on the node that the pod gets, as many as `devices`.
   *
   * @default - 0, 1, 2, ... up to `devices`
   */
  readonly deviceIds?: number[];

  /**
   * For Sophgo: whether libsophon is the node's `/opt/sophon`, which hides the image's.
   *
   * @default - only on SoC nodes (SE7), whose libraries belong to their system
   */
  readonly mountLibsophon?: boolean;
}

/** What a vendor's `docker run` recipe passes into a container. */
interface Recipe {
  readonly device: (id: number) => readonly string[];
  readonly shared: readonly HostPath[];
  /** The variable that tells processes which devices are theirs: a privileged container sees all of the node's. */
  readonly visible?: string;
}

const RECIPES: Readonly<Record<Vendor, Recipe>> = {
  // vllm-project/vllm-ascend@182b75ea docs/source/installation.md
  [Vendor.HUAWEI]: {
    visible: 'ASCEND_RT_VISIBLE_DEVICES',
    device: (id) => [`/dev/davinci${String(id)}`],
    shared: [
      ...['/dev/davinci_manager', '/dev/devmm_svm', '/dev/hisi_hdc'].map(characterDevice),
      { path: '/usr/local/Ascend/driver', type: 'Directory' },
      { path: '/usr/local/dcmi', type: 'Directory' },
      { path: '/usr/local/bin/npu-smi', type: 'File' },
      { path: '/etc/ascend_install.info', type: 'File' },
    ],
  },
  // CambriconKnight/dev-env-ubuntu@98389ace pytorch1.9/run-container-dev.sh; an ipcm node a device as in the device plugin (pkg/mlu/server.go)
  [Vendor.CAMBRICON]: {
    visible: 'MLU_VISIBLE_DEVICES',
    device: (id) => [`/dev/cambricon_dev${String(id)}`, `/dev/cambricon_ipcm${String(id)}`],
    shared: [characterDevice('/dev/cambricon_ctl'), { path: '/usr/bin/cnmon', type: 'File' }],
  },
  // sophgo/libsophon@06c7ffee driver/bm_common.h, doc/guide/4_docker_usage.rst
  [Vendor.SOPHGO]: {
    visible: 'SOPHON_DEVICES',
    device: (id) => [`/dev/bm-sophon${String(id)}`],
    shared: [characterDevice('/dev/bmdev-ctl')],
  },
};

/** The SoC products have other device nodes than the PCIe cards (sophgo/libsophon@06c7ffee driver/bm_common.h; sophon-tools@e32247d5 11-bsp-faq.md). */
const SOPHGO_SOC: Recipe = {
  device: (id) => [`/dev/bm-tpu${String(id)}`],
  shared: ['/dev/bmdev-ctl', '/dev/ion'].map(characterDevice),
};

/**
 * No device plugin: device nodes of the node by hostPath, in a privileged container. Kubernetes does not count the devices, so
 * two pods can be given the same ones, and a privileged container sees the whole node. It is the last resort for a node
 * that runs one workload.
 */
export function hostDevices(options: HostDevicesOptions = {}): DeviceDialect {
  return {
    name: 'host devices',
    names: () => true,
    toFragment: (request) => {
      checkCount(request);
      const recipe = recipeFor(request);
      const ids = deviceIds(request, options);
      return {
        ...hostPathMounts([...ids.flatMap((id) => recipe.device(id)).map(characterDevice), ...recipe.shared, ...libsophonOfNode(request, options.mountLibsophon)]),
        ...(recipe.visible !== undefined && { env: [{ name: recipe.visible, value: ids.join(',') }] }),
        securityContext: { privileged: true, allowPrivilegeEscalation: true },
      };
    },
  };
}

function recipeFor(request: DeviceRequest): Recipe {
  return isSoc(request) ? SOPHGO_SOC : RECIPES[request.accelerator.vendor];
}

function deviceIds({ devices }: DeviceRequest, options: HostDevicesOptions): number[] {
  const ids = options.deviceIds ?? Array.from({ length: devices }, (_, id) => id);
  if (ids.length !== devices || new Set(ids).size !== ids.length || ids.some((id) => !Number.isInteger(id) || id < 0)) {
    throw new Error(`'deviceIds' must be ${String(devices)} different whole numbers from 0, one for each of 'devices', got ${ids.join(', ')}`);
  }
  return ids;
}

function characterDevice(path: string): HostPath {
  return { path, type: 'CharDevice', readOnly: false };
}
