import type { Accelerator } from './accelerator';
import { checkCount, type DeviceDialect } from './device-dialect';
import { hostPathMounts } from './host-path';

/** Options of `DevicePlugin.custom`. */
export interface CustomDevicePluginOptions {
  /** How errors name the plugin. */
  readonly name: string;
  /** The extended resource, e.g. `example.com/npu`. */
  readonly resourceName: string;
  /** The chips that it names. */
  readonly accelerators: Accelerator[];

  /**
   * Labels of the nodes that have the devices.
   *
   * @default - none
   */
  readonly nodeSelector?: { [key: string]: string };

  /**
   * Labels of the pods.
   *
   * @default - none
   */
  readonly podLabels?: { [key: string]: string };

  /**
   * Annotations of the pods.
   *
   * @default - none
   */
  readonly podAnnotations?: { [key: string]: string };

  /**
   * The RuntimeClass of the pods.
   *
   * @default - the node's default runtime
   */
  readonly runtimeClassName?: string;

  /**
   * Directories of the node that the container sees read-only at the same path, such as a driver.
   *
   * @default - none
   */
  readonly hostDirectories?: string[];

  /**
   * Plain environment variables.
   *
   * @default - none
   */
  readonly env?: { [name: string]: string };
}

/** A device plugin that the library does not know. */
export function customDevicePlugin(given: CustomDevicePluginOptions): DeviceDialect {
  const options = structuredClone({ ...given, accelerators: [] });
  const { name, resourceName, accelerators } = given;
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/.test(resourceName) || /(^|\.)kubernetes\.io\//.test(resourceName)) {
    throw new Error(`'resourceName' must be an extended resource like 'example.com/npu', got '${resourceName}'`);
  }
  const chips = new Set(accelerators.map((accelerator) => accelerator.name));
  return {
    name,
    names: (accelerator) => chips.has(accelerator.name),
    toFragment: (request) => {
      checkCount(request);
      return {
        devices: { [resourceName]: request.devices },
        nodeSelector: { ...options.nodeSelector },
        labels: { ...options.podLabels },
        annotations: { ...options.podAnnotations },
        env: Object.entries(options.env ?? {}).map(([variable, value]) => ({ name: variable, value })),
        ...(options.runtimeClassName !== undefined && { runtimeClassName: options.runtimeClassName }),
        ...hostPathMounts((options.hostDirectories ?? []).map((path) => ({ path, type: 'Directory' }))),
      };
    },
  };
}
