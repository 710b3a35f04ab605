import type { PodFragment } from '../pods/pod-fragment';
import type { Accelerator } from './accelerator';
import { cambricon, type CambriconOptions } from './cambricon';
import { cce } from './cce';
import { customDevicePlugin, type CustomDevicePluginOptions } from './custom-device-plugin';
import type { DeviceDialect, DeviceRequest } from './device-dialect';
import { genericDevicePlugin, type GenericDevicePluginOptions } from './generic-device-plugin';
import { hami, type HamiOptions } from './hami';
import { hostDevices, type HostDevicesOptions } from './host-devices';
import { mindCluster, type MindClusterOptions } from './mind-cluster';

/**
 * How a cluster names and hands out devices. One is said on the platform for each vendor in the cluster; a workload can name
 * another one in its `devicePlugin` prop, for a virtual device say.
 */
export class DevicePlugin {
  /**
   * MindCluster's Ascend device plugin: `huawei.com/Ascend910`, `huawei.com/Ascend310P` and so on.
   *
   * Where it runs with `-volcanoType=true`, as its shipped manifests for Volcano do, the platform needs `Scheduler.volcano`: it gives devices only to pods
   * that Volcano placed, and the kubelet ends others with UnexpectedAdmissionError and `not get valid pod`.
   *
   * @throws if the version is not a MindCluster release, or options exclude each other
   */
  public static mindCluster(options: MindClusterOptions): DevicePlugin {
    return new DevicePlugin(mindCluster(options));
  }

  /** Huawei Cloud CCE's NPU add-on: `huawei.com/ascend-1980`, `huawei.com/ascend-310`. */
  public static cce(): DevicePlugin {
    return new DevicePlugin(cce());
  }

  /**
   * HAMi's device plugin for Ascend: a resource for each chip model, and slices by memory and compute.
   * Cambricon chips under HAMi are refused, with the reason.
   */
  public static hami(options: HamiOptions = {}): DevicePlugin {
    return new DevicePlugin(hami(options));
  }

  /** Cambricon's device plugin: `cambricon.com/mlu370` on a stock install. */
  public static cambricon(options: CambriconOptions = {}): DevicePlugin {
    return new DevicePlugin(cambricon(options));
  }

  /** generic-device-plugin for Sophgo chips: `squat.ai/<name>`. */
  public static genericDevicePlugin(options: GenericDevicePluginOptions): DevicePlugin {
    return new DevicePlugin(genericDevicePlugin(options));
  }

  /**
   * No plugin at all: device nodes by hostPath in a **privileged** container. Nothing counts the devices and the container
   * can reach the whole node; only for nodes that run one workload.
   */
  public static hostDevices(options: HostDevicesOptions = {}): DevicePlugin {
    return new DevicePlugin(hostDevices(options));
  }

  /**
   * A device plugin that the library does not know.
   *
   * @throws if the resource name is not an extended resource
   */
  public static custom(options: CustomDevicePluginOptions): DevicePlugin {
    return new DevicePlugin(customDevicePlugin(options));
  }

  /** How errors name the plugin. */
  public readonly name: string;

  private constructor(private readonly dialect: DeviceDialect) {
    this.name = dialect.name;
  }

  /** Whether the plugin can name the chip. */
  public names(accelerator: Accelerator): boolean {
    return this.dialect.names(accelerator);
  }

  /** @internal */
  public get _fillsRankTables(): boolean {
    return this.dialect.fillsRankTables ?? false;
  }

  /** @internal */
  public get _rankTableData(): Readonly<Record<string, string>> | undefined {
    return this.dialect.rankTableData;
  }

  /** @internal */
  public _sliceBytes(accelerator: Accelerator): number | undefined {
    return this.dialect.sliceBytes?.(accelerator);
  }

  /** @internal */
  public _fragment(request: DeviceRequest): PodFragment {
    const { accelerator, devices } = request;
    if (!Number.isInteger(devices) || devices < 1) {
      throw new Error(`'devices' must be a whole number from 1, got ${String(devices)}`);
    }
    if (!this.names(accelerator)) {
      const reason = this.dialect.refusal?.(accelerator) ?? 'name another plugin in \'devicePlugin\' or in the platform\'s \'devicePlugins\'';
      throw new Error(`device plugin '${this.name}' has no resource for ${accelerator.name}: ${reason}`);
    }
    return { source: `device plugin '${this.name}'`, ...this.dialect.toFragment(request) };
  }
}
