import { Vendor } from './accelerator';
import type { DeviceRequest } from './device-dialect';
import type { HostPath } from './host-path';
import { Architecture } from './node-type';

/** Whether the pod goes to a SoC product (SE7), whose processor and TPU are one chip, and not to a host with PCIe cards. */
export function isSoc({ accelerator, nodeType }: DeviceRequest): boolean {
  return accelerator.vendor === Vendor.SOPHGO && nodeType?.architecture === Architecture.ARM64;
}

/**
 * The folder of libsophon where it comes from the node: it hides that of the image. A card's host needs the driver only; a SoC has the
 * libraries of its own system (sophgo/sophon-tools@e32247d5 11-bsp-faq.md).
 */
export function libsophonOfNode(request: DeviceRequest, mountLibsophon: boolean = isSoc(request)): HostPath[] {
  return request.accelerator.vendor === Vendor.SOPHGO && mountLibsophon ? [{ path: '/opt/sophon', type: 'Directory' }] : [];
}
