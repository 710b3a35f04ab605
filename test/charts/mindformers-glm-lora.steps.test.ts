// From the downloads to evaluated adapters that answer, by the chart's own commands over stand-ins for MindSpore and MindFormers at c8a5808.
import { MindFormersProgram } from 'cdk8s-chatglm';

import { runBoth, runThrough } from './run/mindformers';
import { adapted, type Case, expectTuned, IMAGE, MERGE_IMAGE, RECORDS, runOf } from './run/mindformers-glm';

const OLD: Case = {
  props: { lora: true, program: MindFormersProgram.TRAINER, mindSpore: '1.10.1', mergeImage: MERGE_IMAGE },
  moments: { ...RECORDS, strategy: /in the middle of writing the strategy/ }, images: { [IMAGE]: '1.10.1', [MERGE_IMAGE]: '2.0.0' },
  ranks: 4, finished: 'epoch 1 step 4', half: 'glm-6b-lora-2_4.ckpt', strategy: 'strategy',
  // 96 records are 24 steps of 4, in sinks of 4.
  tuned: adapted(24),
};

test('adapters of MindSpore 1.10 are trained by the Trainer and merged by 2.0 with the strategy of a run of its own; killed in the middle of each step it is the same', async () => {
  const { whole, killed } = await runBoth(runOf(OLD));

  expectTuned(whole, OLD);
  expect(killed).toEqual(whole);
}, 240_000);

test('adapters by run_mindformer.py, whose batches are of 8', async () => {
  const example: Case = { ...OLD, props: { lora: true }, moments: RECORDS, images: { [IMAGE]: '2.0.0rc1' }, strategy: 'finetune', tuned: adapted(12) };

  expectTuned(await runThrough(runOf(example)), example);
}, 240_000);
