// From the downloads to an evaluated fine-tune that answers, by the chart's own commands over stand-ins for MindSpore and MindFormers at c8a5808.
import { MindFormersProgram } from 'cdk8s-chatglm';

import { runBoth, runThrough } from './run/mindformers';
import { type Case, expectTuned, IMAGE, network, RECORDS, runOf } from './run/mindformers-glm';

const FULL: Case = {
  props: {}, moments: RECORDS, images: { [IMAGE]: '2.0.0rc1' }, ranks: 8, finished: 'epoch 1 step 4', half: 'glm-6b-2_4.ckpt', strategy: 'finetune',
  // 96 records are 12 steps of 8, in sinks of 4.
  tuned: network(12),
};

test('official weights are fine-tuned on eight devices, merged, evaluated and asked; killed in the middle of each step it is the same', async () => {
  const { whole, killed } = await runBoth(runOf(FULL));

  expectTuned(whole, FULL);
  expect(killed).toEqual(whole);
}, 240_000);

test('the same by the Trainer, whose batches are of 4', async () => {
  const example: Case = { ...FULL, props: { program: MindFormersProgram.TRAINER }, tuned: network(24) };

  expectTuned(await runThrough(runOf(example)), example);
}, 240_000);
