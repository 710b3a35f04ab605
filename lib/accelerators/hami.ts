import { Size } from 'cdk8s';

import { type Accelerator, Vendor } from './accelerator';
import { checkCount, checkSingle, type DeviceDialect, type DeviceRequest } from './device-dialect';

/** Options of `DevicePlugin.hami`. */
export interface HamiOptions {
  /**
   * Memory of the slice, whole MiB; HAMi rounds it up to the next template of the chip.
   *
   * @default - whole devices
   */
  readonly deviceMemory?: Size;

  /**
   * Share of the chip's compute in percent, 1 to 100. It puts the annotation `huawei.com/vnpu-mode: hami-core` on the pod, without which HAMi refuses it.
   *
   * @default - not limited
   */
  readonly deviceCorePercent?: number;
}

/** Project-HAMi/HAMi since 5bce9ab7 against Cambricon's public plugin v2.0.11 to v2.0.23. */
const CAMBRICON_REFUSAL = 'HAMi writes the annotation CAMBRICON_DSMLU_ASSIGNED where Cambricon\'s public plugin reads CAMBRICON_DSMLU_ASSIGHED; '
  + 'use DevicePlugin.cambricon()';

/**
 * HAMi's device plugin for Ascend (Project-HAMi/HAMi@4707fb02 charts/hami/templates/scheduler/device-configmap.yaml;
 * Project-HAMi/ascend-device-plugin@ed35e1c4 docs/hami.md). Every chip model has a resource name of its own.
 */
export function hami(options: HamiOptions = {}): DeviceDialect {
  const { deviceMemory, deviceCorePercent } = options;
  if (deviceCorePercent !== undefined && !(Number.isInteger(deviceCorePercent) && deviceCorePercent >= 1 && deviceCorePercent <= 100)) {
    throw new Error(`'deviceCorePercent' must be a whole number from 1 to 100, got ${String(deviceCorePercent)}`);
  }
  if (deviceMemory !== undefined && deviceMemory.toKibibytes() < 1024) {
    throw new Error(`'deviceMemory' of HAMi must be at least 1 MiB, got ${deviceMemory.asString()}`);
  }
  return {
    name: 'HAMi',
    sliceBytes: () => deviceMemory && deviceMemory.toKibibytes() * 1024,
    names: ({ hamiName }) => hamiName !== undefined,
    refusal: ({ vendor }) => vendor === Vendor.CAMBRICON ? CAMBRICON_REFUSAL : undefined,
    toFragment: (request) => {
      checkSlice(request.accelerator, options);
      checkPackages(request);
      if (deviceMemory !== undefined && deviceCorePercent === undefined) {
        checkSingle(request, 'a HAMi slice', 'HAMi refuses several slices in one pod unless they are soft; set \'deviceCorePercent\' too, or ask for whole devices');
      } else {
        checkCount(request);
      }
      return {
        devices: resources(request, options),
        runtimeClassName: 'ascend',
        nodeSelector: { ascend: 'on' },
        ...(deviceCorePercent !== undefined && { annotations: { 'huawei.com/vnpu-mode': 'hami-core' } }),
      };
    },
  };
}

function resources({ accelerator, devices }: DeviceRequest, { deviceMemory, deviceCorePercent }: HamiOptions): Record<string, number> {
  const name = `huawei.com/${String(accelerator.hamiName)}`;
  return {
    [name]: devices,
    ...(deviceMemory !== undefined && { [`${name}-memory`]: deviceMemory.toMebibytes() }),
    ...(deviceCorePercent !== undefined && { [`${name}-core`]: deviceCorePercent }),
  };
}

/** HAMi has one entry for each kind of 310P card, of 24576 MiB; what exceeds it is refused unless slices are soft (pkg/device/ascend/device.go, trimMemory). */
const MEMORY_310P = Size.gibibytes(24);

function checkSlice({ name, hamiName, deviceMemory }: Accelerator, { deviceMemory: slice, deviceCorePercent }: HamiOptions): void {
  const all = hamiName === 'Ascend310P' && deviceCorePercent === undefined ? MEMORY_310P : deviceMemory;
  if (slice !== undefined && all !== undefined && slice.toKibibytes() > all.toKibibytes()) {
    throw new Error(`'deviceMemory' of a HAMi slice must be at most ${all.asString()} on ${name}, got ${slice.asString()}`);
  }
}

/** The dies of a 910C come in packages of two: HAMi raises one to two and refuses other odd counts (pkg/device/ascend/device.go, MutateAdmission). */
function checkPackages({ accelerator, devices, prop = 'devices' }: DeviceRequest): void {
  if (accelerator.hamiName === 'Ascend910C' && devices > 1 && devices % 2 === 1) {
    throw new Error(`'${prop}' must be 1 or an even number on ${accelerator.name} with HAMi, got ${String(devices)}: it hands out packages of two dies, also to who asks for one`);
  }
}
