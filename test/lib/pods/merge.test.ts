import * as fc from 'fast-check';

import { type Claim, mergeClaims } from '../../../lib/pods/merge';
import { thrownBy } from '../../support/thrown';

const claim = (key: string, value: unknown, source = 'a'): Claim<unknown> => ({ key, source, value });
const name = fc.constantFrom('A', 'B', 'C', 'D');

test('every key of every layer is there once, with the value of the last layer that has it', () => {
  const layers = fc.array(fc.dictionary(name, fc.integer()), { maxLength: 5 });

  fc.assert(fc.property(layers, (values) => {
    const merged = mergeClaims('thing', values.map((layer, index) => Object.entries(layer).map(([key, value]) => claim(key, value, String(index)))));

    expect(Object.fromEntries([...merged].map(([key, { value }]) => [key, value]))).toEqual(Object.assign({}, ...values));
    for (const [key, { source }] of merged) {
      expect(source).toBe(String(values.findLastIndex((layer) => Object.hasOwn(layer, key))));
    }
  }));
});

test('equal values of one layer are the first one\'s', () => {
  const merged = mergeClaims('thing', [[claim('A', { x: [1] }, 'first'), claim('A', { x: [1] }, 'second')]]);

  expect([...merged]).toEqual([['A', { source: 'first', value: { x: [1] } }]]);
});

test('an overridden disagreement is still a disagreement of its layer', () => {
  expect(thrownBy(() => mergeClaims('thing', [[claim('A', 1, 'x'), claim('A', 2, 'y')], [claim('A', 3, 'z')]]))).toBe(
    'thing \'A\' is 1 from x but 2 from y; remove one of them, or set it in the workload\'s own props, which win over both',
  );
});

test('a number and its text are not the same', () => {
  expect(thrownBy(() => mergeClaims('thing', [[claim('A', 1, 'x'), claim('A', '1', 'y')]]))).toBe(
    'thing \'A\' is 1 from x but 1 from y; remove one of them, or set it in the workload\'s own props, which win over both',
  );
});
