import type { Accelerator } from './accelerator';

/**
 * Static virtual devices: `npu-smi` template -> resource, by chip series. Training and inference chips of one series have
 * templates of different names, so one table serves both (Ascend/mind-cluster@22bb3d98 docs/zh/scheduling/04_usage/02_virtual_instance,
 * 02_mounting_vnpu_static.md, and component/ascend-device-plugin/pkg/common/constants.go).
 */
const TEMPLATES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '910A': { vir02: 'Ascend910-2c', vir04: 'Ascend910-4c', vir08: 'Ascend910-8c', vir16: 'Ascend910-16c' },
  '910B': {
    vir06_1c_16g: 'Ascend910-6c.1cpu.16g', vir12_3c_32g: 'Ascend910-12c.3cpu.32g', vir05_1c_8g: 'Ascend910-5c.1cpu.8g',
    vir05_1c_16g: 'Ascend910-5c.1cpu.16g', vir10_3c_16g: 'Ascend910-10c.3cpu.16g', vir10_3c_16g_nm: 'Ascend910-10c.3cpu.16g.ndvpp',
    vir10_4c_16g_m: 'Ascend910-10c.4cpu.16g.dvpp', vir10_3c_32g: 'Ascend910-10c.3cpu.32g',
  },
  '910C': {
    vir06_1c_16g: 'Ascend910-6c.1cpu.16g', vir12_3c_32g: 'Ascend910-12c.3cpu.32g', vir05_1c_16g: 'Ascend910-5c.1cpu.16g',
    vir10_3c_32g: 'Ascend910-10c.3cpu.32g',
  },
  '310P': {
    vir01: 'Ascend310P-1c', vir02: 'Ascend310P-2c', vir04: 'Ascend310P-4c', vir02_1c: 'Ascend310P-2c.1cpu', vir04_3c: 'Ascend310P-4c.3cpu',
    vir04_3c_ndvpp: 'Ascend310P-4c.3cpu.ndvpp', vir04_4c_dvpp: 'Ascend310P-4c.4cpu.dvpp',
  },
};

/**
 * The resource of one static virtual device.
 *
 * @throws if the chip has no such template
 */
export function virtualDeviceResource({ name, series }: Accelerator, template: string): string {
  const templates = TEMPLATES[series];
  if (templates === undefined) {
    throw new Error(`${name} cannot be split into virtual devices, got 'virtualDevice' '${template}'; ask for whole devices`);
  }
  const resource = templates[template];
  if (resource === undefined) {
    throw new Error(`'virtualDevice' of ${name} must be one of ${Object.keys(templates).join(', ')}, got '${template}'`);
  }
  return `huawei.com/${resource}`;
}

/** AI cores of a whole chip, where templates do not tell their memory (same source as the templates). */
const CORES: Readonly<Record<string, number>> = { '910A': 32, '310P': 8 };

/**
 * Memory of one static virtual device: what the template's name says, else the share of the cores, which is inferred.
 *
 * @returns bytes, or undefined where neither is known
 */
export function virtualDeviceBytes({ series, deviceMemory }: Accelerator, template: string): number | undefined {
  const gibibytes = /_(\d+)g/.exec(template)?.[1];
  if (gibibytes !== undefined) {
    return Number(gibibytes) * 2 ** 30;
  }
  const cores = Number(/^vir(\d+)/.exec(template)?.[1]);
  const all = CORES[series];
  return all === undefined || deviceMemory === undefined ? undefined : deviceMemory.toKibibytes() * 1024 * cores / all;
}
