import { Size } from 'cdk8s';
import { Accelerator, Dtype, Vendor } from 'cdk8s-chatglm';

import { thrownBy } from '../../support/thrown';

const OURS = { name: 'ours', vendor: Vendor.HUAWEI, series: '910B', dtypes: [Dtype.FLOAT16] };

test.each([
  ['Ascend910A', 32], ['Ascend910B1', 64], ['Ascend910B2', 64], ['Ascend910B3', 64], ['Ascend910B4', 32], ['Ascend910B4-1', 64], ['Ascend910C', 64],
  ['Ascend310P 300I Pro', 24], ['Ascend310P 300V Pro 24G', 24], ['Ascend310P 300V Pro 48G', 48], ['Ascend310P 300I Duo 48G', 24], ['Ascend310P 300I Duo 96G', 48],
  ['MLU370-X4', 24], ['MLU370-X8', 24], ['BM1684X', 16],
])('one device of %s has %i GiB', (name, gibibytes) => {
  const chip = Accelerator.all().find((accelerator) => accelerator.name === name);

  expect(chip?.deviceMemory?.toGibibytes()).toBe(gibibytes);
});

test('memory that has no source is unknown', () => {
  const unknown = Accelerator.all().filter(({ deviceMemory }) => deviceMemory === undefined).map(String);

  expect(unknown).toEqual(['Ascend310P 300V', 'Ascend310P 200I SoC', 'Ascend310', 'MLU370-S4', 'MLU590']);
});

test('only the A2 and A3 generations of Ascend, and the MLU590, compute in bfloat16', () => {
  const chips = Accelerator.all().filter(({ dtypes }) => dtypes.includes(Dtype.BFLOAT16)).map(String);

  expect(chips).toEqual(['Ascend910B1', 'Ascend910B2', 'Ascend910B3', 'Ascend910B4', 'Ascend910B4-1', 'Ascend910C', 'MLU590']);
});

test('HAMi names the chips that its ConfigMap lists, and no other', () => {
  const names = new Map(Accelerator.all().map(({ name, hamiName }) => [name, hamiName]));

  expect([...names.values()].filter((name) => name !== undefined && !name.startsWith('Ascend310P'))).toEqual([
    'Ascend910A', 'Ascend910B2', 'Ascend910B3', 'Ascend910B4', 'Ascend910B4-1', 'Ascend910C',
  ]);
  expect([...names].filter(([name]) => name.startsWith('Ascend310P')).map(([, name]) => name)).toEqual(Array(7).fill('Ascend310P'));
});

test('a chip is not changed through the arrays it was made from or gives away', () => {
  const dtypes = [Dtype.FLOAT16];
  const chip = Accelerator.custom({ ...OURS, dtypes, runtimes: ['mindformers'] });

  dtypes.push(Dtype.INT4);
  chip.dtypes.push(Dtype.INT8);
  chip.runtimes.push('sophon');

  expect(chip.dtypes).toEqual(['float16']);
  expect(chip.runtimes).toEqual(['mindformers']);
});

test.each([
  [{ ...OURS, name: ' ' }, 'an accelerator needs a \'name\' and a \'series\', got \' \' and \'910B\''],
  [{ ...OURS, series: '' }, 'an accelerator needs a \'name\' and a \'series\', got \'ours\' and \'\''],
  [{ ...OURS, dtypes: [] }, 'accelerator \'ours\' needs at least one dtype, got none; float16 is what most chips compute in'],
  [{ ...OURS, deviceMemory: Size.gibibytes(0) }, '\'deviceMemory\' of accelerator \'ours\' must be positive, got 0Gi'],
])('a chip of your own that cannot be is refused: %#', (props, message) => {
  expect(thrownBy(() => Accelerator.custom(props))).toBe(message);
});
