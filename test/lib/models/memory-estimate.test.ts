import { Size } from 'cdk8s';
import { Accelerator, Dtype, GlmModel, MemoryEstimate, type MemoryEstimateProps, MemoryTask } from 'cdk8s-chatglm';
import * as fc from 'fast-check';

import { checkMemory } from '../../../lib/accelerators/device-options';
import { thrownBy } from '../../support/thrown';

const GIB = 2 ** 30;
const SOPHON: MemoryEstimateProps = { model: GlmModel.CHATGLM3_6B, dtype: Dtype.FLOAT16, task: MemoryTask.INFERENCE, seqLength: 512, batch: 1, devices: 1 };
const ADGEN: MemoryEstimateProps = { model: GlmModel.CHATGLM3_6B, dtype: Dtype.FLOAT16, task: MemoryTask.FINETUNE, seqLength: 192, batch: 4, devices: 8 };

test.each([[Dtype.FLOAT16, 12.4], [Dtype.INT8, 7.1], [Dtype.INT4, 4.6]])('ChatGLM3-6B in %s on one BM1684X needs %d GiB', (dtype, gibibytes) => {
  expect(Math.round(MemoryEstimate.bytesPerDevice({ ...SOPHON, dtype }) / GIB * 10) / 10).toBe(gibibytes);
});

test('inference is weights, keys and values, and 768 MiB', () => {
  const bytes = MemoryEstimate.bytesPerDevice({ ...SOPHON, devices: 2, seqLength: 1000, batch: 3 });

  expect(bytes).toBe(12487168064 / 2 + 3 * 1000 * 28672 / 2 + 768 * 2 ** 20);
});

test('keys and values are split over no more devices than there are groups of them', () => {
  const bytes = MemoryEstimate.bytesPerDevice({ ...SOPHON, devices: 8, seqLength: 1000 });

  expect(bytes).toBe(12487168064 / 8 + 1000 * 28672 / 2 + 768 * 2 ** 20);
});

test('fine-tuning is weights, gradients, states, activations, logits, and 768 MiB', () => {
  const [parameters, tokens] = [12487168064 / 2, 4 * 192];
  const activations = tokens * 4096 * 2 * 28 + tokens * 4096 * 34;

  expect(MemoryEstimate.bytesPerDevice(ADGEN)).toBe(4 * parameters + 8 * parameters / 8 + activations + 3 * 4 * tokens * 65024 + 768 * 2 ** 20);
  expect(MemoryEstimate.bytesPerDevice({ ...ADGEN, optimizerParallel: false })).toBe(12 * parameters + activations + 3 * 4 * tokens * 65024 + 768 * 2 ** 20);
  expect(MemoryEstimate.bytesPerDevice({ ...ADGEN, recompute: false })).toBe(5 * parameters + tokens * 4096 * 34 * 28 + 3 * 4 * tokens * 65024 + 768 * 2 ** 20);
});

test('fine-tuning adapters is frozen weights, the adapters with their gradients and states, activations, logits, and 768 MiB', () => {
  const [parameters, adapters, tokens] = [12487168064 / 2, 2e6, 4 * 192];
  const rest = tokens * 4096 * 2 * 28 + tokens * 4096 * 34 + 3 * 4 * tokens * 65024 + 768 * 2 ** 20;

  expect(MemoryEstimate.bytesPerDevice({ ...ADGEN, adapterParameters: adapters })).toBe(2 * parameters + 4 * adapters + 8 * adapters / 8 + rest);
  expect(MemoryEstimate.bytesPerDevice({ ...ADGEN, adapterParameters: adapters, optimizerParallel: false })).toBe(2 * parameters + 12 * adapters + rest);
});

test.each<[string, Accelerator, MemoryEstimateProps]>([
  ['ChatGLM3-6B on ADGEN', Accelerator.ASCEND_910B3, ADGEN],
  ['ChatGLM3-6B with 2k tokens', Accelerator.ASCEND_910B3, { ...ADGEN, seqLength: 2048, batch: 1 }],
  ['ChatGLM3-6B with 2k tokens and four sequences', Accelerator.ASCEND_910B3, { ...ADGEN, seqLength: 2048, batch: 4 }],
  ['ChatGLM2-6B on one chip of a 300I Duo', Accelerator.ASCEND_310P_300I_DUO_48G, { ...SOPHON, model: GlmModel.CHATGLM2_6B, seqLength: 4096 }],
  ['ChatGLM2-6B on one chip of a large 300I Duo', Accelerator.ASCEND_310P_300I_DUO_96G, { ...SOPHON, model: GlmModel.CHATGLM2_6B, seqLength: 4096 }],
  ['ChatGLM3-6B in f16 on a BM1684X', Accelerator.BM1684X, SOPHON],
  ['ChatGLM3-6B in int8 on a BM1684X', Accelerator.BM1684X, { ...SOPHON, dtype: Dtype.INT8 }],
  ['ChatGLM3-6B in int4 on a BM1684X', Accelerator.BM1684X, { ...SOPHON, dtype: Dtype.INT4 }],
  ['ChatGLM-6B on an MLU370-X8', Accelerator.MLU370_X8, { ...SOPHON, model: GlmModel.CHATGLM_6B, seqLength: 2048 }],
])('the configuration of a guide fits: %s', (_, accelerator, estimate) => {
  expect(() => { checkMemory(accelerator, estimate, {}); }).not.toThrow();
});

const estimates: fc.Arbitrary<MemoryEstimateProps> = fc.record({
  model: fc.constantFrom(...GlmModel.all()), dtype: fc.constantFrom(Dtype.FLOAT16, Dtype.INT8, Dtype.INT4), task: fc.constantFrom(MemoryTask.INFERENCE, MemoryTask.FINETUNE),
  seqLength: fc.integer({ min: 1, max: 1e6 }), batch: fc.integer({ min: 1, max: 256 }), devices: fc.constantFrom(1, 2, 4, 8, 16), recompute: fc.boolean(), optimizerParallel: fc.boolean(),
});

test('training adapters never needs more memory than training the whole model', () => {
  fc.assert(fc.property(estimates, fc.integer({ min: 1, max: 5e8 }), (estimate, adapterParameters) => {
    const task = MemoryTask.FINETUNE;

    expect(MemoryEstimate.bytesPerDevice({ ...estimate, task, adapterParameters })).toBeLessThan(MemoryEstimate.bytesPerDevice({ ...estimate, task }));
  }));
});

test.each(['batch', 'seqLength'] as const)('more %s never needs less memory', (prop) => {
  fc.assert(fc.property(estimates, fc.integer({ min: 1, max: 1000 }), (estimate, more) => {
    expect(MemoryEstimate.bytesPerDevice({ ...estimate, [prop]: estimate[prop] + more })).toBeGreaterThan(MemoryEstimate.bytesPerDevice(estimate));
  }));
});

test('splitting a model over more devices never needs more memory on each', () => {
  fc.assert(fc.property(estimates, (estimate) => {
    const one = MemoryEstimate.bytesPerDevice({ ...estimate, devices: 16, devicesPerReplica: 4 });

    expect(MemoryEstimate.bytesPerDevice({ ...estimate, devices: 32, devicesPerReplica: 8 })).toBeLessThanOrEqual(one);
  }));
});

test('less precise weights never need more memory', () => {
  fc.assert(fc.property(estimates, (estimate) => {
    const [float32, float16, int8, int4] = [Dtype.FLOAT32, Dtype.FLOAT16, Dtype.INT8, Dtype.INT4].map((dtype) => MemoryEstimate.bytesPerDevice({ ...estimate, task: MemoryTask.INFERENCE, dtype }));

    expect([float32, float16, int8, int4]).toEqual([float32, float16, int8, int4].sort((a, b) => b! - a!));
  }));
});

test.each([
  [{ seqLength: 0 }, '\'seqLength\' of a memory estimate must be a whole number from 1, got 0'],
  [{ batch: 1.5 }, '\'batch\' of a memory estimate must be a whole number from 1, got 1.5'],
  [{ devices: -1 }, '\'devices\' of a memory estimate must be a whole number from 1, got -1'],
  [{ adapterParameters: 0 }, '\'adapterParameters\' of a memory estimate must be a whole number from 1, got 0'],
  [{ devices: 8, devicesPerReplica: 3 }, '\'devicesPerReplica\' must divide \'devices\', got 3 and 8'],
])('an estimate of what cannot be is refused: %j', (change, message) => {
  expect(thrownBy(() => MemoryEstimate.bytesPerDevice({ ...SOPHON, ...change }))).toBe(message);
});

describe('what cannot fit', () => {
  test('is refused with what is missing, and the sequence that would fit', () => {
    expect(thrownBy(() => { checkMemory(Accelerator.BM1684X, { ...SOPHON, model: GlmModel.CHATGLM_6B, seqLength: 8192 }, {}); })).toBe(
      'chatglm-6b needs 16.7 GiB on each of 1 devices to serve in float16 with 1 x 8192 tokens, and BM1684X has 16.0 GiB: 0.7 GiB too little; '
      + '6464 tokens would fit, or set \'skipMemoryCheck\'',
    );
  });

  test('is refused with the split that would fit, when no sequence does', () => {
    expect(thrownBy(() => { checkMemory(Accelerator.BM1684X, { ...SOPHON, model: GlmModel.GLM_4_9B, seqLength: 512 }, {}); })).toBe(
      'glm-4-9b needs 18.3 GiB on each of 1 devices to serve in float16 with 1 x 512 tokens, and BM1684X has 16.0 GiB: 2.3 GiB too little; '
      + 'splitting the model over 2 times as many devices would fit, or set \'skipMemoryCheck\'',
    );
  });

  test('is refused with a larger chip, when no split does', () => {
    expect(thrownBy(() => { checkMemory(Accelerator.BM1684X, { ...SOPHON, model: GlmModel.GLM_4_9B }, { deviceMemory: Size.gibibytes(1) }); })).toBe(
      'glm-4-9b needs 18.3 GiB on each of 1 devices to serve in float16 with 1 x 512 tokens, and BM1684X has 1.0 GiB: 17.3 GiB too little; '
      + 'use a chip with more memory, or set \'skipMemoryCheck\'',
    );
  });

  test('is rendered all the same for those who know better', () => {
    expect(() => { checkMemory(Accelerator.BM1684X, { ...SOPHON, seqLength: 1e6 }, { skipMemoryCheck: true }); }).not.toThrow();
  });

  test('the sequence that would fit does fit, and 64 tokens more do not', () => {
    fc.assert(fc.property(estimates, fc.integer({ min: 8, max: 64 }), (estimate, gibibytes) => {
      const options = { deviceMemory: Size.gibibytes(gibibytes) };
      const message = MemoryEstimate.bytesPerDevice(estimate) > gibibytes * GIB ? thrownBy(() => { checkMemory(Accelerator.BM1684X, estimate, options); }) : '';
      const fits = Number(/(\d+) tokens would fit/.exec(message)?.[1] ?? 'NaN');

      fc.pre(!Number.isNaN(fits));
      expect(MemoryEstimate.bytesPerDevice({ ...estimate, seqLength: fits })).toBeLessThanOrEqual(gibibytes * GIB);
      expect(MemoryEstimate.bytesPerDevice({ ...estimate, seqLength: fits + 64 })).toBeGreaterThan(gibibytes * GIB);
    }), { numRuns: 50 });
  });
});

test('a chip whose memory has no source needs the caller to say it', () => {
  expect(thrownBy(() => { checkMemory(Accelerator.MLU590, SOPHON, {}); })).toBe(
    '\'deviceMemory\' is needed: no source tells the memory of MLU590; give it, or set \'skipMemoryCheck\'',
  );
});
