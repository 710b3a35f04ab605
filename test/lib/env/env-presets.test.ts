import { Accelerator, EnvPreset, EnvPresets } from 'cdk8s-chatglm';

import { deepFreeze } from '../../support/deep-freeze';
import { thrownBy } from '../../support/thrown';

const variables = (preset: EnvPreset, accelerator?: Accelerator) => Object.fromEntries((preset._fragment(accelerator).env ?? []).map(({ name, value }) => [name, value]));

const B3 = Accelerator.ASCEND_910B3;
const DUO = Accelerator.ASCEND_310P_300I_DUO_96G;

test.each<[EnvPreset, Accelerator, Record<string, string>]>([
  [EnvPresets.HCCL, B3, { HCCL_CONNECT_TIMEOUT: '1800', HCCL_EXEC_TIMEOUT: '3600', HCCL_WHITELIST_DISABLE: '1' }],
  [EnvPresets.HCCL_INFERENCE, DUO, { HCCL_BUFFSIZE: '110', HCCL_OP_BASE_FFTS_MODE_ENABLE: 'TRUE' }],
  [EnvPresets.HCCL_INFERENCE, B3, { HCCL_OP_BASE_FFTS_MODE_ENABLE: 'TRUE' }],
  [EnvPresets.ATB, DUO, { TASK_QUEUE_ENABLE: '1', ATB_OPERATION_EXECUTE_ASYNC: '1', ATB_LAYER_INTERNAL_TENSOR_REUSE: '1', ATB_USE_TILING_COPY_STREAM: '1' }],
  [EnvPresets.ATB, B3, { TASK_QUEUE_ENABLE: '1', ATB_OPERATION_EXECUTE_ASYNC: '1', ATB_LAYER_INTERNAL_TENSOR_REUSE: '1' }],
  [EnvPresets.MINDSPORE_INFERENCE, B3, { GRAPH_OP_RUN: '1', MS_ENABLE_INTERNAL_KERNELS: 'on' }],
  [EnvPresets.MINDSPORE_TRAINING, B3, { MS_ASCEND_CHECK_OVERFLOW_MODE: 'INFNAN_MODE' }],
  [EnvPresets.ASCEND_LOG_DEBUG, B3, { ASCEND_GLOBAL_EVENT_ENABLE: '0', ASCEND_GLOBAL_LOG_LEVEL: '2', ASCEND_SLOG_PRINT_TO_STDOUT: '1' }],
  [EnvPresets.MLU, Accelerator.MLU370_X8, {}],
  [EnvPresets.SOPHON, Accelerator.BM1684X, { LD_LIBRARY_PATH: '/opt/sophon/libsophon-current/lib' }],
])('a preset of the catalogue sets what its guide sets: %#', (preset, accelerator, expected) => {
  expect(variables(preset, accelerator)).toEqual(expected);
});

test('names are unique, and every variable says what it is for', () => {
  const names = EnvPresets.all().map(({ name }) => name);

  expect(names).toEqual(['hccl', 'hccl-inference', 'atb', 'mindspore-inference', 'mindspore-training', 'ascend-log-debug', 'mlu', 'sophon']);
  expect(EnvPresets.all().flatMap((preset) => Object.values(preset.variables)).filter(({ purpose }) => purpose.length < 10)).toEqual([]);
});

test.each([
  [EnvPresets.ATB, Accelerator.ASCEND_910A, 'env preset \'atb\' is for 910B, 310P, not for Ascend910A'],
  [EnvPresets.MINDSPORE_TRAINING, Accelerator.ASCEND_910A, 'env preset \'mindspore-training\' is for 910B, 910C, not for Ascend910A'],
  [EnvPresets.MLU, Accelerator.BM1684X, 'env preset \'mlu\' is for MLU370, MLU590, not for BM1684X'],
  [EnvPresets.SOPHON, Accelerator.MLU370_X8, 'env preset \'sophon\' is for BM1684X, not for MLU370-X8'],
  [EnvPresets.HCCL, undefined, 'env preset \'hccl\' is for 910A, 910B, 910C, 310P, 310, not for a workload without an accelerator'],
])('a preset on a chip that it does not fit is refused: %#', (preset, accelerator, message) => {
  expect(thrownBy(() => preset._fragment(accelerator))).toBe(message);
});

test('every preset fits a chip exactly if it can be used on it', () => {
  for (const preset of EnvPresets.all()) {
    const usable = Accelerator.all().filter((accelerator) => {
      try {
        return preset._fragment(accelerator).env !== undefined;
      } catch {
        return false;
      }
    });
    expect(usable).toEqual(Accelerator.all().filter((accelerator) => preset.fits(accelerator)));
  }
});

test('a change makes a new preset and leaves the old one', () => {
  const changed = EnvPresets.HCCL.with({ HCCL_CONNECT_TIMEOUT: '600', HCCL_BUFFSIZE: '200' });

  expect(variables(changed, B3)).toEqual({ HCCL_CONNECT_TIMEOUT: '600', HCCL_EXEC_TIMEOUT: '3600', HCCL_WHITELIST_DISABLE: '1', HCCL_BUFFSIZE: '200' });
  expect(changed.variables.HCCL_CONNECT_TIMEOUT?.purpose).toBe(EnvPresets.HCCL.variables.HCCL_CONNECT_TIMEOUT?.purpose);
  expect(variables(EnvPresets.HCCL, B3)).toEqual({ HCCL_CONNECT_TIMEOUT: '1800', HCCL_EXEC_TIMEOUT: '3600', HCCL_WHITELIST_DISABLE: '1' });
});

test('a preset that is used and changed again and again stays as it is', () => {
  const before = JSON.stringify(EnvPresets.ATB.variables);

  EnvPresets.ATB._fragment(DUO);
  EnvPresets.ATB._fragment(B3);
  EnvPresets.ATB.with({ MAX_SEQ_LEN: '4096' })._fragment(DUO);
  EnvPresets.ATB.variables.TASK_QUEUE_ENABLE = { value: '0', purpose: 'vandalism' };
  EnvPresets.ATB.series?.push('BM1684X');

  expect(JSON.stringify(EnvPresets.ATB.variables)).toBe(before);
  expect(EnvPresets.ATB.series).toEqual(['910B', '310P']);
});

test('what the caller wrote a preset from is neither changed nor kept', () => {
  const props = deepFreeze({ name: 'ours', variables: { OURS: { value: '1', purpose: 'ours' } } });
  const loose = { name: 'loose', variables: { OURS: { value: '1', purpose: 'ours' } } };

  const [preset, kept] = [EnvPreset.custom(props).with({ THEIRS: '2' }), EnvPreset.custom(loose)];
  loose.variables.OURS.value = '3';

  expect(variables(preset)).toEqual({ OURS: '1', THEIRS: '2' });
  expect(variables(kept)).toEqual({ OURS: '1' });
});

test('a preset of the catalogue takes only variables of its family', () => {
  expect(thrownBy(() => EnvPresets.MINDSPORE_INFERENCE.with({ MS_ENABLE_INTERNAL_KERNEL: 'on' }))).toBe(
    'env preset \'mindspore-inference\' does not know \'MS_ENABLE_INTERNAL_KERNEL\'; it knows GRAPH_OP_RUN, MS_ENABLE_INTERNAL_KERNELS; use EnvPreset.custom for others',
  );
});

test('a variable that no shell could name is refused', () => {
  expect(thrownBy(() => EnvPreset.custom({ name: 'ours', variables: { 'a-b': { value: '1', purpose: 'none' } } }))).toBe(
    'env preset \'ours\' has a variable \'a-b\': a name has letters, digits and \'_\' only and does not start with a digit',
  );
});
