import { Accelerator, DevicePlugin } from 'cdk8s-chatglm';

import { fragmentOf } from '../../support/device-fragment';
import { thrownBy } from '../../support/thrown';
import { VIRTUAL_DEVICES } from '../../support/virtual-devices';

const ROWS = Accelerator.all().flatMap((accelerator) => Object.entries(VIRTUAL_DEVICES[accelerator.series] ?? {}).map(([template, resource]) => ({ accelerator, template, resource })));

const ask = (accelerator: Accelerator, virtualDevice: string, devices = 1) => fragmentOf(DevicePlugin.mindCluster({ version: '26.0', virtualDevice }), { accelerator, devices });

test.each(ROWS)('$template of $accelerator is $resource', ({ accelerator, template, resource }) => {
  expect(ask(accelerator, template).devices).toEqual({ [`huawei.com/${resource}`]: 1 });
});

test('a pod gets one virtual device only', () => {
  expect(thrownBy(() => ask(Accelerator.ASCEND_310P_300I_PRO, 'vir02', 2))).toBe(
    '\'devices\' must be 1 with virtual device \'vir02\', got 2: a pod gets exactly one slice; use whole devices for more',
  );
});

test('a template of another generation is refused, and the error lists those of the chip', () => {
  expect(thrownBy(() => ask(Accelerator.ASCEND_910A, 'vir05_1c_16g'))).toBe(
    '\'virtualDevice\' of Ascend910A must be one of vir02, vir04, vir08, vir16, got \'vir05_1c_16g\'',
  );
});

test('the 310 cannot be split', () => {
  expect(thrownBy(() => ask(Accelerator.ASCEND_310, 'vir02'))).toBe(
    'Ascend310 cannot be split into virtual devices, got \'virtualDevice\' \'vir02\'; ask for whole devices',
  );
});
