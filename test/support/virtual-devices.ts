/** Static virtual devices of MindCluster's documentation: series, `npu-smi` template, resource after `huawei.com/`. */
export const VIRTUAL_DEVICES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '910A': { vir02: 'Ascend910-2c', vir04: 'Ascend910-4c', vir08: 'Ascend910-8c', vir16: 'Ascend910-16c' },
  '910B': {
    vir06_1c_16g: 'Ascend910-6c.1cpu.16g', vir12_3c_32g: 'Ascend910-12c.3cpu.32g',
    vir05_1c_8g: 'Ascend910-5c.1cpu.8g', vir05_1c_16g: 'Ascend910-5c.1cpu.16g', vir10_3c_16g: 'Ascend910-10c.3cpu.16g',
    vir10_3c_16g_nm: 'Ascend910-10c.3cpu.16g.ndvpp', vir10_4c_16g_m: 'Ascend910-10c.4cpu.16g.dvpp', vir10_3c_32g: 'Ascend910-10c.3cpu.32g',
  },
  '910C': {
    vir06_1c_16g: 'Ascend910-6c.1cpu.16g', vir12_3c_32g: 'Ascend910-12c.3cpu.32g', vir05_1c_16g: 'Ascend910-5c.1cpu.16g', vir10_3c_32g: 'Ascend910-10c.3cpu.32g',
  },
  '310P': {
    vir01: 'Ascend310P-1c', vir02: 'Ascend310P-2c', vir04: 'Ascend310P-4c', vir02_1c: 'Ascend310P-2c.1cpu',
    vir04_3c: 'Ascend310P-4c.3cpu', vir04_3c_ndvpp: 'Ascend310P-4c.3cpu.ndvpp', vir04_4c_dvpp: 'Ascend310P-4c.4cpu.dvpp',
  },
};
