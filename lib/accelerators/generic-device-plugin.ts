import { Vendor } from './accelerator';
import { checkCount, type DeviceDialect } from './device-dialect';
import { hostPathMounts } from './host-path';
import { libsophonOfNode } from './sophgo';

/** Options of `DevicePlugin.genericDevicePlugin`. */
export interface GenericDevicePluginOptions {
  /** The plugin's name of the device, from its `--device` flag, e.g. `bm1684x`. */
  readonly name: string;

  /**
   * The plugin's `--domain`.
   *
   * @default 'squat.ai'
   */
  readonly domain?: string;

  /**
   * Chips in one unit of the resource. A pod that needs several chips needs a resource whose groups hold that many,
   * because the plugin renumbers the chips of each unit from `/dev/bm-sophon0`.
   *
   * @default 1
   */
  readonly devicesPerUnit?: number;

  /**
   * Whether libsophon is the node's `/opt/sophon`, which hides the image's; the plugin passes device nodes only. Switch it on for images
   * without libsophon, on nodes that have it and not the driver alone.
   *
   * @default - only on SoC nodes (SE7), whose libraries belong to their system
   */
  readonly mountLibsophon?: boolean;
}

/**
 * squat/generic-device-plugin (@179b1fee README), which hands out any device node. Sophgo has no device plugin of its own;
 * this is how BM1684X chips reach a cluster. The configuration is an application of the tool, no report of its use with Sophon was found.
 */
export function genericDevicePlugin(options: GenericDevicePluginOptions): DeviceDialect {
  const { name, domain = 'squat.ai', devicesPerUnit = 1, mountLibsophon } = options;
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name) || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(domain)) {
    throw new Error(`'domain' and 'name' of the generic device plugin must be lower case DNS names, got '${domain}' and '${name}'`);
  }
  if (/(^|\.)kubernetes\.io$/.test(domain)) {
    throw new Error(`'domain' of the generic device plugin must not be ${domain}, which Kubernetes keeps for itself`);
  }
  if (!Number.isInteger(devicesPerUnit) || devicesPerUnit < 1) {
    throw new Error(`'devicesPerUnit' must be a whole number from 1, got ${String(devicesPerUnit)}`);
  }
  return {
    name: `generic-device-plugin ${domain}/${name}`,
    names: ({ vendor }) => vendor === Vendor.SOPHGO,
    toFragment: (request) => {
      checkCount(request);
      if (request.devices !== devicesPerUnit) {
        throw new Error(`'devices' must be ${String(devicesPerUnit)} with the resource ${domain}/${name}, got ${String(request.devices)}: each unit numbers its `
          + 'chips from 0, so two units would collide; name a resource whose groups hold that many chips and say so in \'devicesPerUnit\'');
      }
      const paths = libsophonOfNode(request, mountLibsophon);
      return { devices: { [`${domain}/${name}`]: 1 }, ...(paths.length > 0 && hostPathMounts(paths)) };
    },
  };
}
